# expect: mistake dtype
# never says: dtype of the inputs
import torch


def sinusoids(positions, width, base=10000.0):
    dtype = positions.dtype if positions.is_floating_point() else torch.float32
    i = torch.arange(0, width, 2, dtype=dtype)
    angles = positions.to(dtype)[..., None] / base ** (i / width)
    out = torch.zeros(*positions.shape, width, dtype=dtype)
    out[..., 0::2] = angles.sin()
    out[..., 1::2] = angles.cos()[..., : width // 2]
    return out
