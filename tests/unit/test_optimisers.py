"""AdamW, Muon and SGD are PyTorch's, update by update; and what they have beyond those is what it says."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.parity import _Lift
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.train.optimisers import SGD, AdamW, Muon, adamw_by_hand, clip_, orthogonalise, orthogonalise_by_hand

few = settings(max_examples=15, deadline=None)
SHAPES = [(3, 4), (5,), (1, 1), (2, 3, 2), ()]
rates = st.floats(1e-5, 0.5)
decays = st.sampled_from([0.0, 0.01, 0.3])


def weights_like(shapes, seed: int, dtype=torch.float64) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes]


def run_both(
    ours, theirs, mine: list[Tensor], yours: list[Tensor], steps: int, seed: int, *, skip: bool = True
) -> None:
    """The same gradients to both; one tensor gets none every third step, and gradients span many magnitudes."""
    generator = torch.Generator().manual_seed(seed)
    for step in range(steps):
        for place, (a, b) in enumerate(zip(mine, yours, strict=True)):
            grad = torch.randn(a.shape, generator=generator, dtype=a.dtype) * 10.0 ** (place - 2)
            missing = skip and place == 1 and step % 3 == 2
            a.grad, b.grad = (None, None) if missing else (grad.clone(), grad.clone())
        ours.step()
        theirs.step()


def assert_same(mine: list[Tensor], yours: list[Tensor], tolerance: float) -> None:
    for a, b in zip(mine, yours, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


@few
@given(
    lr=rates,
    decay=decays,
    beta1=st.floats(0, 0.95),
    beta2=st.floats(0, 0.999),
    eps=st.sampled_from([1e-8, 1e-3]),
    seed=st.integers(0, 99),
)
@pytest.mark.parametrize("foreach", [False, True])
def test_adamw_is_torchs(foreach, lr, decay, beta1, beta2, eps, seed):
    mine = weights_like(SHAPES, seed)
    yours = copy.deepcopy(mine)
    how = {"lr": lr, "betas": (beta1, beta2), "eps": eps, "weight_decay": decay}
    run_both(AdamW(mine, **how), torch.optim.AdamW(yours, **how, foreach=foreach), mine, yours, 7, seed)
    assert_same(mine, yours, 1e-14)


@few
@given(lr=rates, decay=decays, seed=st.integers(0, 99))
def test_adamw_is_its_formula(lr, decay, seed):
    (weight,) = weights_like([(3, 4)], seed)
    expected, mean, square = weight.detach().clone(), torch.zeros(3, 4).double(), torch.zeros(3, 4).double()
    optimiser = AdamW([weight], lr=lr, weight_decay=decay)
    for step in range(1, 6):
        weight.grad = torch.randn(3, 4, generator=torch.Generator().manual_seed(step), dtype=torch.float64)
        optimiser.step()
        expected, mean, square = adamw_by_hand(
            expected, weight.grad, mean, square, step, lr=lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay
        )
    torch.testing.assert_close(weight.detach(), expected, rtol=1e-13, atol=1e-13)


def test_adams_first_step_has_the_size_of_the_learning_rate():
    (weight,) = weights_like([(50,)], 0)
    before = weight.detach().clone()
    weight.grad = torch.linspace(-1, 1, 50, dtype=torch.float64) * 1e-3
    AdamW([weight], lr=0.25, weight_decay=0.0).step()
    torch.testing.assert_close((weight.detach() - before).abs(), torch.full((50,), 0.25).double(), rtol=1e-3, atol=0)


def test_adamw_goes_on_from_torchs_state():
    mine = weights_like(SHAPES, 1)
    yours = copy.deepcopy(mine)
    first = torch.optim.AdamW(yours, lr=0.1)
    run_both(torch.optim.AdamW(mine, lr=0.1), first, mine, yours, 3, 2, skip=False)
    ours = AdamW(mine, lr=0.1)
    ours.load_state_dict(copy.deepcopy(first.state_dict()))
    run_both(ours, first, mine, yours, 3, 3, skip=False)
    assert_same(mine, yours, 1e-14)


@few
@given(
    lr=rates, decay=decays, momentum=st.sampled_from([0.0, 0.5, 0.95]), nesterov=st.booleans(), seed=st.integers(0, 99)
)
def test_sgd_is_torchs(lr, decay, momentum, nesterov, seed):
    nesterov = nesterov and momentum > 0
    mine = weights_like(SHAPES, seed)
    yours = copy.deepcopy(mine)
    how = {"lr": lr, "weight_decay": decay, "momentum": momentum, "nesterov": nesterov}
    run_both(SGD(mine, **how), torch.optim.SGD(yours, **how), mine, yours, 5, seed)
    assert_same(mine, yours, 1e-14)


class _Wide(_Lift):
    """PyTorch's Muon orthogonalises in bfloat16 whatever it is given; in here it keeps the precision of the gradient."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is Tensor.bfloat16:
            return args[0].clone()
        return func(*args, **(kwargs or {}))


MATRICES = [(4, 4), (8, 2), (3, 9), (1, 5), (12, 3)]


@few
@given(
    lr=rates, decay=decays, momentum=st.sampled_from([0.0, 0.9]), nesterov=st.booleans(),
    how=st.sampled_from([None, "original", "match_rms_adamw"]), steps=st.integers(1, 6), seed=st.integers(0, 99),
)  # fmt: skip
def test_muon_is_torchs(lr, decay, momentum, nesterov, how, steps, seed):
    mine = weights_like(MATRICES, seed)
    yours = copy.deepcopy(mine)
    settings = {
        "lr": lr,
        "weight_decay": decay,
        "momentum": momentum,
        "nesterov": nesterov,
        "adjust_lr_fn": how,
        "ns_steps": steps,
    }
    ours, theirs = Muon(mine, **settings, dtype=torch.float64), torch.optim.Muon(yours, **settings)
    with _Wide():
        run_both(ours, theirs, mine, yours, 4, seed)
    assert_same(mine, yours, 1e-10)


def test_muon_in_bfloat16_is_torchs_as_it_comes():
    mine = weights_like(MATRICES, 4, torch.float32)
    yours = copy.deepcopy(mine)
    before = [weight.detach().clone() for weight in mine]
    ours, theirs = Muon(mine, lr=0.1, dtype=torch.bfloat16), torch.optim.Muon(yours, lr=0.1)
    run_both(ours, theirs, mine, yours, 3, 5, skip=False)
    for a, b, start in zip(mine, yours, before, strict=True):
        assert (a - b).norm() <= 0.06 * (b - start).norm()  # bfloat16 has two or three digits


@few
@given(
    p=st.integers(1, 6),
    stretch=st.integers(1, 5),
    n=st.integers(1, 3),
    steps=st.integers(0, 6),
    tall=st.booleans(),
    seed=st.integers(0, 99),
)
def test_orthogonalising_in_the_small_square_is_the_same(p, stretch, n, steps, tall, seed):
    x = torch.randn(n, p, p * stretch, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x = x.mT if tall else x
    torch.testing.assert_close(
        orthogonalise(x, steps=steps), orthogonalise_by_hand(x, steps=steps), rtol=1e-9, atol=1e-10
    )


def test_singular_values_come_near_one_and_the_vectors_stay():
    x = torch.randn(2, 16, 64, dtype=torch.float32)
    u, _, v = torch.linalg.svd(x, full_matrices=False)
    made = orthogonalise(x)
    inner = torch.einsum("nip,nij,npj->np", u, made, v)
    assert ((inner > 0.6) & (inner < 1.3)).all()
    off = u.mT @ made @ v.mT - torch.diag_embed(inner)
    assert off.abs().max() < 1e-3
    assert not torch.isnan(orthogonalise(torch.zeros(2, 3))).any()


def test_pieces_of_a_fused_matrix_are_made_orthogonal_one_by_one():
    (fused,) = weights_like([(12, 6)], 0)
    parts = [part.clone().requires_grad_() for part in fused.detach().split((6, 3, 3))]
    fused.grad = torch.randn(12, 6, dtype=torch.float64) * torch.tensor([1.0] * 6 + [1e-4] * 6).double()[:, None]
    for part, grad in zip(parts, fused.grad.split((6, 3, 3)), strict=True):
        part.grad = grad.clone()
    how = {"lr": 0.1, "dtype": torch.float64, "adjust_lr_fn": "original"}
    Muon([{"params": [fused], "rows": (6, 3, 3)}], **how).step()
    Muon(parts, **how).step()
    rate = (12 / 6) ** 0.5  # the whole matrix's shape sets the rate
    before = weights_like([(12, 6)], 0)[0].detach()
    moved, apart = fused.detach() - before * 0.99, torch.cat(parts).detach() - before * 0.99
    torch.testing.assert_close(moved, apart * rate, rtol=1e-9, atol=1e-12)


@few
@given(most=st.floats(1e-3, 100), seed=st.integers(0, 99))
def test_clipping_is_torchs(most, seed):
    mine, yours = weights_like(SHAPES, seed), weights_like(SHAPES, seed)
    for a, b in zip(mine, yours, strict=True):
        a.grad = torch.randn_like(a)
        b.grad = a.grad.clone()
    norm = clip_(mine, most)
    expected = torch.nn.utils.clip_grad_norm_(yours, most)
    assert norm == pytest.approx(float(expected), rel=1e-12)
    assert_same([a.grad for a in mine], [b.grad for b in yours], 1e-6)


def test_a_norm_that_is_no_number_scales_nothing():
    (weight,) = weights_like([(3,)], 0)
    weight.grad = torch.tensor([1.0, float("nan"), 2.0]).double()
    assert not clip_([weight], 1.0) < float("inf")
    assert weight.grad[0] == 1.0
    assert clip_([torch.zeros(2, requires_grad=True)], 1.0) == 0.0


@pytest.mark.parametrize(
    "make",
    [
        lambda w: AdamW(w, lr=-1.0),
        lambda w: AdamW(w, betas=(0.9, 1.0)),
        lambda w: AdamW(w, eps=float("nan")),
        lambda w: SGD(w, nesterov=True),
        lambda w: Muon(w),
        lambda w: Muon([torch.zeros(2, 2, requires_grad=True)], adjust_lr_fn="larger"),
    ],
)
def test_nonsense_is_refused(make):
    with pytest.raises(HeadwayError):
        make([torch.zeros(3, requires_grad=True)])
