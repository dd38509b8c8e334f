"""RMSNorm: layer normalisation without the mean.

    y = x / sqrt(mean(x²) + eps) · weight                Zhang & Sennrich 2019, arXiv 1910.07467, equation 4

What a layer norm does for training is, it turned out, mostly its rescaling: so leave the mean alone, divide by the root of
the mean square, multiply by a gain, and add nothing. Llama, Gemma, Mistral and Qwen do it this way.

In half precision x² overflows: 300² is more than float16 can hold, and the mean of bfloat16 squares keeps two digits. So
the mean square is taken in at least float32 whatever x is; what comes back has the dtype of x. float64 stays float64.

Shapes: x (... d), weight (d). The mean is over the last axis. When it is right, your own code can run a real model:

    headway check rms      headway run smollm2-135m "..." --with exercises/layer-norm/rms.py
"""


def rms_norm(x, weight, eps):
    """Normalise x over its last axis by the root of its mean square.

    Args:
        x: (... d), float64, float32, bfloat16 or float16.
        weight: (d), of the same dtype as x.
        eps: added to the mean square.

    Returns:
        (... d), in the dtype of x.
    """
    raise NotImplementedError
