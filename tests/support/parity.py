"""What parity tests need: a reference without float32 islands, weights big enough to show a wrong nonlinearity, one ruler."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


class _Lift(TorchFunctionMode):
    """Turns every request for float32 into one for float64, Tensor.float() included."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is Tensor.float:
            func = Tensor.double
        args = tuple(torch.float64 if arg is torch.float32 else arg for arg in args)
        kwargs = {name: torch.float64 if value is torch.float32 else value for name, value in kwargs.items()}
        return func(*args, **kwargs)


@contextlib.contextmanager
def lifted() -> Iterator[None]:
    """Build *and* call a reference in here, and its norms, softmax and rotary angles are float64 as well.

    Hugging Face computes those in float32 even in a float64 model, which alone costs 1e-7.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with _Lift():
            yield
    finally:
        torch.set_default_dtype(before)


def randomise(model: nn.Module, seed: int, std: float = 0.3) -> None:
    """Draw every parameter at `std` (gains around 1): at the usual 0.02 a wrong GELU passes unseen."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.requires_grad:
                continue  # a table that is computed, sinusoids for example
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * std
            gain = parameter.dim() == 1 and bool((parameter == 1).all())
            parameter.copy_(noise + 1 if gain else noise)


def difference(ours: Tensor, theirs: Tensor) -> float:
    """The largest difference, relative to the largest magnitude of `theirs` (or 1, if that is larger)."""
    assert ours.shape == theirs.shape, f"shapes differ: {tuple(ours.shape)} and {tuple(theirs.shape)}"
    ours, theirs = ours.detach(), theirs.detach()
    assert torch.isfinite(theirs).all(), "the reference itself is not finite"
    scale = max(float(theirs.abs().max()), 1.0) if theirs.numel() else 1.0
    return float((ours - theirs).abs().max()) / scale if theirs.numel() else 0.0


def assert_close(ours: Tensor, theirs: Tensor, tolerance: float, what: str = "output") -> None:
    """`ours` equals `theirs` to `tolerance`, relative to the scale of `theirs`; a NaN is never close."""
    gap = difference(ours, theirs)
    assert gap <= tolerance, f"{what} differs by {gap:.3g} of its scale; {tolerance:.0e} is allowed"


def assert_gradients_close(ours: dict[str, Tensor], theirs: dict[str, Tensor], tolerance: float) -> None:
    """Every gradient, by our names, equal to `tolerance` of its own scale."""
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert_close(ours[name], theirs[name], tolerance, f"gradient of {name}")


def gradients_in_our_names(
    model: nn.Module, reference: nn.Module | dict[str, Tensor], rows
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The gradients of both after a backward pass, the reference's carried over by the same table that carries weights.

    `reference` is the model, or its gradients by the names the table knows. Every parameter of ours has to be covered.
    """
    ours = {name: parameter.grad for name, parameter in model.named_parameters()}
    theirs = reference
    if isinstance(reference, nn.Module):
        theirs = {name: parameter.grad for name, parameter in reference.named_parameters()}
    carried = {}
    for row in rows:
        if all(key in theirs for key in row.their_keys):
            for key, tensor in zip(row.our_keys, row.how.read([theirs[key] for key in row.their_keys]), strict=True):
                carried[key] = tensor
    assert carried.keys() == ours.keys(), f"no gradient was compared for {sorted(ours.keys() - carried.keys())}"
    return ours, carried
