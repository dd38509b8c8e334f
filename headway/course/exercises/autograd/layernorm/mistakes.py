"""Wrong answers to the backward of layer normalisation that people really give."""

import torch

from headway.learn.cases import mistake, switches


def layer_norm_backward(
    grad, x, weight, eps=1e-5, *,
    _mean=True, _var=True, _weight="in", _eps="var", _correction=0, _rows="sum", _of_weight="normal", _scale="deviation",
    _given=True, _sign=-1, _bias="grad", _order="w b", _batch=None, _along="g",
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    if not _given:
        eps = 1e-5
    d = x.shape[-1]
    centred = x - x.mean(-1, keepdim=True)
    var = centred.square().sum(-1, keepdim=True) / (d - _correction)
    deviation = (var + eps).sqrt() if _eps == "var" else var.sqrt() + eps
    normal = centred / deviation
    g = grad * weight if _weight == "in" else grad
    inner = grad if _along == "grad" else g
    dx = g
    if _mean:
        dx = dx - inner.mean(-1, keepdim=True)
    if _var:
        with_normal = (
            (inner * normal).mean(-1, keepdim=True) if _var is True else (inner * normal).sum(-1, keepdim=True)
        )
        dx = dx + _sign * normal * with_normal
    if _scale == "deviation":
        dx = dx / deviation
    elif _scale == "variance":
        dx = dx / (var + eps)
    elif _scale == "times":
        dx = dx * deviation
    if _weight == "after":
        dx = dx * weight
    dw = grad * {"normal": normal, "x": x, "centred": centred}[_of_weight]
    db = grad * weight if _bias == "g" else grad
    if _rows == "sum":
        dw, db = dw.reshape(-1, d).sum(0), db.reshape(-1, d).sum(0)
    elif _rows == "mean":
        dw, db = dw.reshape(-1, d).mean(0), db.reshape(-1, d).mean(0)
    elif _rows == "batch" and x.dim() > 1:
        dw, db = dw.sum(0), db.sum(0)
    elif _rows == "features":
        dw, db = dw.sum(-1), db.sum(-1)
    return (dx, dw, db) if _order == "w b" else (dx, db, dw)


MISTAKES = switches(
    layer_norm_backward,
    {
        "mean_and_variance_constant": (
            "mean and variance are treated as constants, dx = grad · weight / deviation: both are made of x, and send gradients "
            "back too",
            {"_mean": False, "_var": False},
        ),
        "mean_constant": (
            "the way through the mean is missing: the mean of grad · weight has to be subtracted",
            {"_mean": False},
        ),
        "variance_constant": (
            "the way through the variance is missing: x̂ times the mean of grad · weight · x̂ has to be subtracted",
            {"_var": False},
        ),
        "weight_forgotten": ("`dx` is made of grad: it has to be made of grad · weight", {"_weight": "out"}),
        "weight_at_the_end": (
            "`dx` is multiplied by weight at the end: it has to be in before the means are taken, g = grad · weight",
            {"_weight": "after"},
        ),
        "means_without_weight": (
            "the two means that are subtracted are of grad, without the weight: both have to be of grad · weight",
            {"_along": "grad"},
        ),
        "bessel": (
            "the variance is divided by {d-1} (torch.var's default): layer norm divides by {d}, correction=0",
            {"_correction": 1},
        ),
        "eps_outside_the_root": (
            "eps is added to the standard deviation: it has to be added to the variance, under the root",
            {"_eps": "deviation"},
        ),
        "eps_ignored": ("the argument `eps` is not used: it is always 1e-5", {"_given": False}),
        "sum_for_mean": (
            "the sum of grad · weight · x̂ is taken where the mean is needed: it has to be divided by {d}",
            {"_var": "sum"},
        ),
        "variance_part_added": (
            "the part through the variance has the wrong sign: x̂ times the mean of grad · weight · x̂ is subtracted",
            {"_sign": 1},
        ),
        "not_divided": ("`dx` is not divided by the standard deviation", {"_scale": "none"}),
        "divided_by_variance": (
            "`dx` is divided by the variance: it has to be divided by its root, the standard deviation",
            {"_scale": "variance"},
        ),
        "multiplied_by_deviation": (
            "`dx` is multiplied by the standard deviation where it has to be divided by it",
            {"_scale": "times"},
        ),
        "weight_gradient_of_x": (
            "`dweight` is Σ grad · x: it has to be Σ grad · x̂, the normalised x",
            {"_of_weight": "x"},
        ),
        "weight_gradient_of_centred": (
            "`dweight` is Σ grad · (x - mean): it has to be divided by the standard deviation too",
            {"_of_weight": "centred"},
        ),
        "bias_gradient_weighted": ("`dbias` is Σ grad · weight: it has to be Σ grad", {"_bias": "g"}),
        "parameters_averaged": (
            "`dweight` and `dbias` are averaged over the rows: they have to be summed, every row used the same parameters",
            {"_rows": "mean"},
        ),
        "parameters_summed_over_batch_only": (
            "`dweight` and `dbias` are summed over axis 0 only: every axis but the last has to go",
            {"_rows": "batch"},
        ),
        "parameters_not_summed": (
            "`dweight` and `dbias` are not summed over the rows: they have to have the shape of weight, (d)",
            {"_rows": "none"},
        ),
        "parameters_summed_over_features": (
            "`dweight` and `dbias` are summed along the last axis: it is the others that have to go",
            {"_rows": "features"},
        ),
        "parameters_swapped": ("`dweight` and `dbias` are returned in the wrong order", {"_order": "b w"}),
    },
)


@mistake("mean and variance are taken over the batch (axis 0), as in batch normalisation: here it is the last axis")
def batch_norm(grad, x, weight, eps=1e-5):
    if x.dim() == 1:
        return torch.zeros_like(x), torch.zeros_like(x), grad.clone()
    dx, _, _ = layer_norm_backward((grad * weight).transpose(0, -1), x.transpose(0, -1), grad.new_ones(x.shape[0]), eps)
    centred = x - x.mean(0, keepdim=True)
    normal = centred / (centred.square().mean(0, keepdim=True) + eps).sqrt()
    d = x.shape[-1]
    return dx.transpose(0, -1), (grad * normal).reshape(-1, d).sum(0), grad.reshape(-1, d).sum(0)


@mistake("this is the backward of RMSNorm: the mean is not taken off, neither from x nor from the gradient")
def rms_norm(grad, x, weight, eps=1e-5):
    root = (x.square().mean(-1, keepdim=True) + eps).sqrt()
    normal = x / root
    g = grad * weight
    d = x.shape[-1]
    dx = (g - normal * (g * normal).mean(-1, keepdim=True)) / root
    return dx, (grad * normal).reshape(-1, d).sum(0), grad.reshape(-1, d).sum(0)
