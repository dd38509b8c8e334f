"""AdamW, Muon and SGD, written out: each rule once as a formula for one tensor, and once over all tensors together.

They are `torch.optim.Optimizer`s with PyTorch's names for arguments and state, so each can take the place of PyTorch's own
and go on from its `state_dict`; tests hold their updates equal. Under FSDP2 every process updates the shard it owns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from headway.base.errors import HeadwayError

QUINTIC = (3.4445, -4.7750, 2.0315)
"""a, b, c of Muon's step aX + b(XXᵀ)X + c(XXᵀ)²X: steep at 0, and within about 0.3 of 1 after five steps (Jordan, 2024)."""


def adamw_by_hand(
    weight: Tensor,
    grad: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    step: int,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """One update of one tensor: the new (weight, exp_avg, exp_avg_sq). `step` counts from 1.

    Kingma & Ba, *Adam*, 2014 (1412.6980), algorithm 1, with the decay taken from the weight itself and not put into the
    gradient: Loshchilov & Hutter, 2017 (1711.05101), algorithm 2.
    """
    beta1, beta2 = betas
    exp_avg = beta1 * exp_avg + (1 - beta1) * grad
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad**2
    # Both averages start at 0 and are too small at first: 1 - beta^step is by how much.
    mean, square = exp_avg / (1 - beta1**step), exp_avg_sq / (1 - beta2**step)
    weight = weight - lr * weight_decay * weight - lr * mean / (square.sqrt() + eps)
    return weight, exp_avg, exp_avg_sq


class Rule(torch.optim.Optimizer):
    """What the three have in common: the parameters that got a gradient, group by group."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # pyrefly: ignore[bad-override]
        """Update every parameter that has a gradient, once."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [p for p in group["params"] if p.grad is not None]
            if weights:
                self.update(group, weights, [p.grad for p in weights])
        return loss

    def update(self, group: dict[str, Any], weights: list[Tensor], grads: list[Tensor]) -> None:
        """Apply the rule to `weights`, in place."""
        raise NotImplementedError

    def kept(self, weights: Sequence[Tensor], name: str) -> list[Tensor]:
        """The running tensor called `name` of each weight, zero at first."""
        for weight in weights:
            if name not in self.state[weight]:
                self.state[weight][name] = torch.zeros_like(weight, memory_format=torch.preserve_format)
        return [self.state[weight][name] for weight in weights]

    def count(self, weights: Sequence[Tensor]) -> list[int]:
        """Count this step for each weight; how many each has had. A weight without a gradient does not age."""
        for weight in weights:
            self.state[weight]["step"] = int(self.state[weight].get("step", 0)) + 1
        return [self.state[weight]["step"] for weight in weights]


class AdamW(Rule):
    """`adamw_by_hand` over all tensors at once.

    Args:
        params: As for PyTorch's optimisers: tensors, named tensors, or groups with settings of their own.
        lr: Learning rate.
        betas: How slowly the averages of gradient and squared gradient forget.
        eps: Added to the root, so that a weight whose gradients are tiny is not thrown about.
        weight_decay: The share of the weight taken away per step, times lr.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ):
        _refuse_nonsense(lr=lr, eps=eps, weight_decay=weight_decay)
        if not all(0 <= beta < 1 for beta in betas):
            raise HeadwayError(f"AdamW's betas lie from 0 to below 1; {tuple(betas)} do not")
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def update(self, group: dict[str, Any], weights: list[Tensor], grads: list[Tensor]) -> None:
        (beta1, beta2), lr = group["betas"], group["lr"]
        means, squares = local(self.kept(weights, "exp_avg")), local(self.kept(weights, "exp_avg_sq"))
        steps = self.count(weights)
        weights, grads = local(weights), local(grads)
        torch._foreach_mul_(weights, 1 - lr * group["weight_decay"])
        torch._foreach_lerp_(means, grads, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, grads, grads, 1 - beta2)
        roots = torch._foreach_sqrt(squares)
        torch._foreach_div_(roots, [math.sqrt(1 - beta2**step) for step in steps])
        torch._foreach_add_(roots, group["eps"])
        torch._foreach_addcdiv_(weights, means, roots, [-lr / (1 - beta1**step) for step in steps])


class SGD(Rule):
    """Gradient descent with momentum (Sutskever et al., ICML 2013, in PyTorch's form): b = μ b + g; w = w - lr b.

    `weight_decay` is L2: it is added to the gradient, which for SGD without momentum is the same as taking it from the
    weight, and for AdamW is not.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ):
        _refuse_nonsense(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and momentum == 0:
            raise HeadwayError("Nesterov's step looks ahead along the momentum: give a momentum above 0")
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov})

    def update(self, group: dict[str, Any], weights: list[Tensor], grads: list[Tensor]) -> None:
        momentum = group["momentum"]
        buffers = local(self.kept(weights, "momentum_buffer")) if momentum else []
        weights, grads = local(weights), local(grads)
        if group["weight_decay"]:
            grads = list(torch._foreach_add(grads, weights, alpha=group["weight_decay"]))
        if momentum:
            torch._foreach_mul_(buffers, momentum)
            torch._foreach_add_(buffers, grads)
            grads = list(torch._foreach_add(grads, buffers, alpha=momentum)) if group["nesterov"] else buffers
        torch._foreach_add_(weights, grads, alpha=-group["lr"])


def orthogonalise_by_hand(
    x: Float[Tensor, "*n p q"],
    coefficients: tuple[float, float, float] = QUINTIC,
    steps: int = 5,
    eps: float = 1e-7,
) -> Float[Tensor, "*n p q"]:
    """Push every singular value of `x` towards 1 and leave its singular vectors: U S Vᵀ becomes about U Vᵀ.

    Each step is an odd polynomial of the matrix, X <- aX + b(XXᵀ)X + c(XXᵀ)²X, and hence the same polynomial of each
    singular value; products are all it takes (Jordan et al., *Muon*, 2024, after Newton and Schulz). It converges only from
    singular values of at most 1, hence the division by the norm at the start. In the dtype of `x`.
    """
    a, b, c = coefficients
    tall = x.shape[-2] > x.shape[-1]
    if tall:  # the product XXᵀ on the shorter side
        x = x.mT
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


def orthogonalise(
    x: Float[Tensor, "*n p q"],
    coefficients: tuple[float, float, float] = QUINTIC,
    steps: int = 5,
    eps: float = 1e-7,
) -> Float[Tensor, "*n p q"]:
    """`orthogonalise_by_hand`, for matrices far from square with the iteration moved to the small square XXᵀ.

    All steps multiply X from the left by polynomials of G = XXᵀ, which commute: so only their product Q and G itself are
    carried along, and X is touched twice in all. At 128 x 512 and five steps that is 0.55 of the arithmetic. It squares
    the condition number, so not below float32.
    """
    short, long = sorted(x.shape[-2:])
    if long < 2 * short or x.dtype in (torch.bfloat16, torch.float16):
        return orthogonalise_by_hand(x, coefficients, steps, eps)
    a, b, c = coefficients
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=eps)
    gram, product = x @ x.mT, None
    for step in range(steps):
        factor = c * (gram @ gram) + b * gram
        factor.diagonal(dim1=-2, dim2=-1).add_(a)
        product = factor if product is None else factor @ product
        if step < steps - 1:
            gram = factor @ (factor @ gram)
    x = x if product is None else product @ x
    return x.mT if tall else x


class Muon(Rule):
    """Momentum, orthogonalised: every direction of the update gets about the same length. For matrices inside a network.

    Jordan et al., *Muon*, 2024. Embeddings, heads, gains and biases are for AdamW.

    Args:
        params: As for PyTorch's optimisers; matrices only.
        lr: Learning rate; multiplied by `adjust_lr_fn` of the shape.
        weight_decay, momentum, nesterov, ns_coefficients, eps, ns_steps: As in PyTorch's Muon.
        adjust_lr_fn: "original" (or None): sqrt(max(1, rows / columns)). "match_rms_adamw" (Liu et al., 2025, 2502.16982):
            0.2 sqrt(max(rows, columns)), with which AdamW's learning rates and decays serve.
        dtype: What the products are taken in. PyTorch takes bfloat16, which is slow where the processor has no bfloat16
            arithmetic; None is float32.
        rows: Sizes of the pieces that a matrix is cut into along its rows, each orthogonalised for itself: a fused
            projection of queries, keys and values is three matrices, and whichever is largest would rule the others.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = QUINTIC,
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
        *,
        dtype: torch.dtype | None = None,
        rows: tuple[int, ...] | None = None,
    ):
        _refuse_nonsense(lr=lr, weight_decay=weight_decay, momentum=momentum, eps=eps)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise HeadwayError(f"adjust_lr_fn is 'original' or 'match_rms_adamw', not {adjust_lr_fn!r}")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
            "dtype": dtype,
            "rows": rows,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.dim() != 2:
                    raise HeadwayError(f"Muon takes matrices; a parameter of shape {tuple(p.shape)} is for AdamW")

    def update(self, group: dict[str, Any], weights: list[Tensor], grads: list[Tensor]) -> None:
        lr, momentum = group["lr"], group["momentum"]
        buffers = self.kept(weights, "momentum_buffer")
        mine, slopes = local(buffers), local(grads)
        torch._foreach_lerp_(mine, slopes, 1 - momentum)
        looked = list(torch._foreach_lerp(slopes, mine, momentum)) if group["nesterov"] else mine
        # A shard has no singular values: under FSDP2 every process puts the whole matrix together.
        whole = [_whole(update, weight) for update, weight in zip(looked, weights, strict=True)]
        updates = [
            shard_like(update, weight) for update, weight in zip(_straighten(whole, group), weights, strict=True)
        ]
        rates = [-lr * _rate(group["adjust_lr_fn"], *weight.shape) for weight in weights]
        weights = local(weights)
        torch._foreach_mul_(weights, 1 - lr * group["weight_decay"])
        torch._foreach_mul_(updates, rates)
        torch._foreach_add_(weights, updates)


def _straighten(matrices: list[Tensor], group: dict[str, Any]) -> list[Tensor]:
    """Every matrix (or each of its pieces) orthogonalised; those of one shape in one batched product."""
    dtype = group["dtype"] or torch.promote_types(matrices[0].dtype, torch.float32)
    pieces: list[Tensor] = []
    for matrix in matrices:
        pieces += matrix.split(group["rows"]) if group["rows"] else [matrix]
    shapes: dict[tuple[int, int], list[int]] = {}
    for place, piece in enumerate(pieces):
        short, long = sorted(piece.shape)
        shapes.setdefault((short, long), []).append(place)
    done: list[Tensor] = list(pieces)
    for (short, _), places in shapes.items():
        lying = torch.stack([_lying(pieces[place], short) for place in places]).to(dtype)
        lying = orthogonalise(lying, group["ns_coefficients"], group["ns_steps"], group["eps"])
        for place, piece in zip(places, lying.to(matrices[0].dtype).unbind(), strict=True):
            done[place] = _lying(piece, pieces[place].shape[0])
    if not group["rows"]:
        return [piece.contiguous() for piece in done]
    n = len(group["rows"])
    return [torch.cat(done[at : at + n]) for at in range(0, len(done), n)]


def _lying(matrix: Tensor, rows: int) -> Tensor:
    """The matrix, or its transpose: whichever has that many rows."""
    return matrix if matrix.shape[0] == rows else matrix.mT


def _rate(name: str | None, rows: int, columns: int) -> float:
    if name == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))


def local(tensors: Iterable[Any]) -> list[Tensor]:
    """The part of each tensor that this process owns: all of it, but under FSDP2."""
    return [tensor.to_local() if is_shard(tensor) else tensor for tensor in tensors]


def is_shard(tensor: Tensor) -> bool:
    """Whether this is an FSDP2 parameter or its like (a DTensor, whose import alone takes half as long as torch's)."""
    return hasattr(tensor, "to_local")


def _whole(part: Tensor, like: Any) -> Tensor:
    if not is_shard(like):
        return part
    from torch.distributed.tensor import DTensor

    shape, stride = like.shape, like.stride()
    return DTensor.from_local(part, like.device_mesh, like.placements, shape=shape, stride=stride).full_tensor()


def shard_like(whole: Tensor, like: Any) -> Tensor:
    """The part of `whole` that this process owns of `like`: all of it, but under FSDP2."""
    if not is_shard(like):
        return whole
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(whole, like.device_mesh, like.placements, src_data_rank=None).to_local()


def clip_(parameters: Iterable[Tensor], most: float | None) -> float:
    """Scale all gradients by one factor so that their joint norm is at most `most`; return the norm they had.

    Pascanu, Mikolov, Bengio, 2012 (1211.5063), algorithm 1. None only measures. A norm that is not finite scales nothing.
    """
    grads = [p.grad for p in parameters if p.grad is not None]
    if not grads:
        return 0.0
    parts = local(grads)
    square = torch.stack(torch._foreach_norm(parts)).double().square().sum()
    shards: Any = next((grad for grad in grads if is_shard(grad)), None)
    if shards is not None:  # all of them lie on one mesh
        torch.distributed.all_reduce(square, group=shards.device_mesh.get_group())
    norm = math.sqrt(float(square))
    if most is not None and math.isfinite(norm) and norm > most:
        torch._foreach_mul_(parts, most / (norm + 1e-6))
    return norm


def _refuse_nonsense(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value >= 0):
            raise HeadwayError(f"{name} must be a number of at least 0, not {value}")
