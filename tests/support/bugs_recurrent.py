"""Bugs that public recurrent models and efficient attentions really had, as patches of ours, and the check that notices each.

A bug is (name, where it was met or how it comes about, patch, check): `patch(monkeypatch)` puts it in, `check()` passes without
it and fails with it. `tests/parity/test_known_bugs.py` runs them.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from types import SimpleNamespace
from typing import NamedTuple

import torch
import torch.nn.functional as F
import transformers as hf
from support.hf import check_causal
from support.parity import assert_close, randomise
from support.tiny import TINY

from headway.base.errors import HeadwayError
from headway.blocks import cache_state, diagonal, flash, linear_attention, performer, retention, scan, ssd
from headway.blocks.attention import attend_by_hand
from headway.blocks.rotary import rotate
from headway.models import mamba, mamba2, retnet
from headway.models.catalog import build


class Bug(NamedTuple):
    name: str
    where: str
    patch: object
    check: object


EXACT = 1e-10
DRAW = torch.Generator()


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=DRAW, dtype=torch.float64)


def mamba_parity(**more):
    sizes = {"vocab_size": 23, "hidden_size": 12, "num_hidden_layers": 2, "state_size": 3, **more}
    check_causal(hf.MambaForCausalLM, hf.MambaConfig(**sizes), b=2, t=10, pads=[0, 3])


def mamba2_parity(**more):
    sizes = {"vocab_size": 23, "hidden_size": 12, "num_hidden_layers": 2, "num_heads": 4, "head_dim": 6, "n_groups": 2}
    sizes |= {"state_size": 3, "chunk_size": 4, "time_step_limit": (0.3, 1.2), **more}
    check_causal(hf.Mamba2ForCausalLM, hf.Mamba2Config(**sizes), b=2, t=10)


def tiny(name, n=0, **more):
    model = build(name, **{**TINY[name][n], **more}).double().eval()
    randomise(model, 0)
    return model


def cut(name, **more):
    """Through a cache in pieces, behind padding on both sides, as the row alone."""
    model = tiny(name, **more)
    tokens = torch.randint(0, model.config.vocab_size, (2, 12), generator=torch.Generator().manual_seed(1))
    mask = torch.ones(2, 12, dtype=torch.bool)
    mask[1, :2] = mask[1, 5:7] = False
    cache = model.new_cache(2, 12)
    with torch.no_grad():
        parts = [model(part, cache, mask=seen) for part, seen in zip(tokens.split(4, 1), mask.split(4, 1), strict=True)]
        for row in range(2):
            alone = model(tokens[row : row + 1, mask[row]])[0]
            assert_close(torch.cat(parts, 1)[row, mask[row]], alone, EXACT)


def retnet_forms():
    """One token at a time, in chunks of three, and in parallel: the same logits, at the eps that is used."""
    tokens = torch.randint(0, 31, (1, 11), generator=torch.Generator().manual_seed(2))
    logits = []
    with torch.no_grad():
        for chunk in (3, 11):
            logits.append(tiny("retnet", chunk=chunk)(tokens))
        model = tiny("retnet")
        cache = model.new_cache(1, 11)
        logits.append(torch.cat([model(token, cache) for token in tokens.split(1, 1)], 1))
    for other in logits[1:]:
        assert_close(other, logits[0], EXACT)


def retnet_in_complex_numbers():
    """Retention as section 2.1 derives it: pairs of features are complex numbers, and q · k̄ turns and decays with distance."""
    model = tiny("retnet")
    layer, c = model.blocks[0].retention, model.config
    x = draw(1, 60, c.width)
    t, h = x.shape[1], c.n_head
    q, k = (torch.view_as_complex(part(x).view(t, h, -1, 2)) for part in (layer.q, layer.k))  # (t, h, pairs)
    v = layer.v(x).view(t, h, -1)
    angle = 10000.0 ** -torch.linspace(0, 1, q.shape[2], dtype=torch.float64)
    gamma = 1 - 2.0 ** (-5 - torch.arange(h, dtype=torch.float64))
    distance = (torch.arange(t)[:, None] - torch.arange(t)).double()
    turn = torch.exp(1j * distance[..., None, None] * angle)  # (t, t, 1, pairs)
    D = gamma[:, None, None] ** distance.clamp(min=0) * (distance >= 0)
    scores = torch.einsum("nhp,mhp,nmhp->hnm", q, k.conj(), turn.expand(-1, -1, h, -1)).real * D
    scores = scores / (2 * q.shape[2]) ** 0.5
    rows = torch.maximum(scores.sum(-1).abs(), D.sum(-1).sqrt())
    y = torch.einsum("hnm,mhw->nhw", scores / rows[..., None], v)
    y = y * torch.rsqrt(y.square().mean(-1, keepdim=True) + c.eps)
    wanted = layer.out(F.silu(layer.gate(x)) * y.reshape(1, t, -1))
    cos, sin = model.angles(torch.arange(t)[None], torch.float64)
    assert_close(layer(x, cos, sin, cache_state.Real(), None), wanted, EXACT)


def scans():
    DRAW.manual_seed(0)
    parts = [draw(1, 9, 3), F.softplus(draw(1, 9, 3)), -draw(3, 2).exp(), draw(1, 9, 2), draw(1, 9, 2)]
    for form in (functools.partial(scan.scan_in_chunks, chunk=4), scan.scan_in_parallel, scan.scan):
        for got, wanted in zip(form(*parts), scan.scan_by_hand(*parts), strict=True):
            assert_close(got, wanted, EXACT)


def duals():
    DRAW.manual_seed(0)
    parts = [draw(1, 9, 4, 3), F.softplus(draw(1, 9, 4)), -draw(4).exp(), draw(1, 9, 2, 5), draw(1, 9, 2, 5)]
    for form in (functools.partial(ssd.ssd_in_chunks, chunk=4), ssd.ssd_quadratic):
        for got, wanted in zip(form(*parts), ssd.ssd_by_hand(*parts), strict=True):
            assert_close(got, wanted, EXACT)


def long_convolution():
    DRAW.manual_seed(0)
    A = torch.complex(-draw(3, 2).exp(), draw(3, 2))
    C, dt, x = torch.complex(draw(3, 2), draw(3, 2)), draw(3).exp(), draw(2, 9, 3)
    assert_close(diagonal.diagonal(x, A, C, dt)[0], diagonal.diagonal_by_hand(x, A, C, dt)[0], EXACT)


def refuses_to_rewind():
    cache = tiny("mamba").new_cache(1, 5)
    cache.length = 3
    try:
        cache.rewind(1)
    except HeadwayError:
        return
    raise AssertionError("a state was rewound")


def tiles():
    DRAW.manual_seed(0)
    q, k, v = draw(1, 2, 10, 4), draw(1, 2, 13, 4), draw(1, 2, 13, 4)
    parts = [part.requires_grad_() for part in (q, k, v)]
    outcomes = []
    for form in (attend_by_hand, functools.partial(flash.attend_in_tiles, rows=3, columns=4)):
        out = form(*parts, causal=True)
        outcomes.append([out.detach(), *torch.autograd.grad(out.square().sum(), parts)])
    for wanted, got in zip(*outcomes, strict=True):
        assert_close(got, wanted, EXACT)


def linear_attention_forms():
    DRAW.manual_seed(0)
    q, k, v = (linear_attention.elu_features(draw(1, 2, 10, 4)) for _ in range(3))
    got = linear_attention.attend_linearly(q, k, v, causal=True, chunk=3)
    assert_close(got, linear_attention.attend_linearly_by_hand(q, k, v, causal=True), EXACT)


def random_features_are_unbiased():
    DRAW.manual_seed(0)
    q, k = draw(1, 1, 4, 8) * 0.3, draw(1, 1, 4, 8) * 0.3
    w = performer.orthogonal_directions(20000, 8, generator=DRAW, dtype=torch.float64)
    got = performer.random_features(q, w) @ performer.random_features(k, w).transpose(-2, -1)
    assert_close(got, torch.exp(q @ k.transpose(-2, -1) / 8**0.5), 0.02)


def swap(module, name, make):
    """A patch: `module.name` becomes `make` of what it was."""
    return lambda monkeypatch: monkeypatch.setattr(module, name, make(getattr(module, name)))


def scan_with(change):
    """A scan whose arguments were changed: `change` takes them as a dictionary and changes it."""

    def make(original):
        def wrong(x, dt, A, B, C, D=None, z=None, state=None):
            given = {"x": x, "dt": dt, "A": A, "B": B, "C": C, "D": D, "z": z, "state": state}
            change(given)
            return original(**given)

        return wrong

    return make


def forget_the_state(given):
    if given["x"].shape[1] > 1:
        given["state"] = None


def held_exactly(given):
    """(exp(dt A) - 1) / A · B instead of dt · B: what S4D does, and Mamba's equation 4, but not Mamba's code."""
    A, dt = given["A"].mean(1), given["dt"]
    given["x"] = given["x"] * torch.expm1(dt * A) / (A * dt)


def chunk_by_itself(original):
    """Every chunk divides its rows by what they are without the chunks before: right but for the norm's eps."""

    def wrong(q, k, v, decay, memory=None, real=None, *, chunk=retention.CHUNK):
        memory = retention.nothing(q, v) if memory is None else memory
        outs = []
        for piece in zip(*(part.split(chunk, 2) for part in (q, k, v)), strict=True):
            alone = retention.RetentionState(memory.S, 0 * memory.z, 0 * memory.seen)
            out, memory = original(*piece, decay, alone, real, chunk=chunk)
            outs.append(out)
        return torch.cat(outs, 2), memory

    return wrong


def no_divisor_step_by_step(original):
    """The recurrent form leaves the divisor out and trusts the group norm."""

    def wrong(totals, position, decay):
        right = original(totals, position, decay)
        return torch.ones_like(right) if totals.shape[-1] == 1 and position.shape[-1] == 1 else right

    return wrong


def older_by_one(original):
    def wrong(x, before, lengths):
        return torch.cat((before[:, :1], original(x, before, lengths)[:, :-1]), 1)

    return wrong


def unmasked(original):
    def wrong(tokens, cache, mask):
        tokens, real = original(tokens, cache, mask)
        return tokens, replace(real, mask=None)

    return wrong


def unsorted(original):
    def wrong(tokens, cache, mask):
        if mask is None:
            return original(tokens, cache, mask)
        columns = torch.arange(tokens.shape[1]).expand_as(tokens)
        return tokens, cache_state.Real(mask.sum(1), mask, columns)

    return wrong


def write_in_place(self, **states):
    """The state is overwritten while the call runs, and counted from the wrong end of the convolution."""
    for name, state in states.items():
        self.states[name].copy_(state.flip(1) if name == "inputs" else state)
    self.next = self.states


def decays_kept(original):
    def wrong(x, dt, B, C, A, S):
        y, after = original(x, dt, B, C, A, S)
        return y, after - original(0 * x, dt, B, C, A, S)[1] + S  # the old state goes on undiminished

    return wrong


def turned_apart(original):
    turns = []

    def wrong(x, cos, sin):
        turns.append(x)
        return original(x, cos, sin if len(turns) % 2 else -sin)

    return wrong


def zeros_for_starts(original):
    def wrong(tensors, dim=0):
        whole = original(tensors, dim)
        return 0 * whole if tensors[0].dim() == 3 else whole

    return wrong


def norm_first(self, y, z):
    normed = y.unflatten(-1, (self.n_group, -1))
    normed = normed * torch.rsqrt(normed.square().mean(-1, keepdim=True) + self.eps)
    return normed.flatten(-2) * self.weight * F.silu(z)


def by_turns(original):
    def wrong(x, dt, A, B, C, D, state):
        B, C = (part.repeat(1, 1, x.shape[2] // part.shape[2], 1) for part in (B, C))
        return original(x, dt, A, B, C, D, state)

    return wrong


def circular(x, kernel):
    spectrum = torch.fft.rfft(x, dim=1) * torch.fft.rfft(kernel.t(), dim=0)
    return torch.fft.irfft(spectrum, x.shape[1], dim=1)


def unnormed(x, directions, *, scale=None):
    m, k = directions.shape
    return torch.exp(x / k**0.25 @ directions.t()) / m**0.5


def no_bias(self, input):
    return F.linear(input, self.weight)


BUGS = [
    Bug("chunkwise-divisor", "torchscale #77", swap(retention, "retain_in_chunks", chunk_by_itself), retnet_forms),
    Bug("recurrent-divisor", "torchscale #40", swap(retention, "divisor", no_divisor_step_by_step), retnet_forms),
    Bug(
        "retention-decay-float32",
        "RetNetRelPos keeps its decays in float32",
        swap(retnet, "decays", lambda f: lambda n, **how: f(n).to(how["dtype"])),
        retnet_in_complex_numbers,
    ),
    Bug(
        "retention-half-split-pairs",
        "the other layout of rotary pairs",
        swap(retnet, "rotate_interleaved", lambda f: rotate),
        retnet_in_complex_numbers,
    ),
    Bug(
        "retention-turned-backwards",
        "queries turned one way and keys the other",
        swap(retnet, "rotate_interleaved", turned_apart),
        retnet_in_complex_numbers,
    ),
    Bug(
        "retention-decay-inverted",
        "the xPos scale put on the wrong side: the past grows",
        swap(retention, "mask_with_decay", lambda f: lambda count, decay: f(count, -decay)),
        retnet_forms,
    ),
    Bug(
        "retention-norm-eps-outside",
        "eps added to the root, not under it",
        swap(retnet, "rms_norm", lambda f: lambda y, w, eps: y / (y.square().mean(-1, keepdim=True).sqrt() + eps)),
        retnet_in_complex_numbers,
    ),
    Bug(
        "positions-restart",
        "rotary positions counted from zero in every call",
        swap(retnet.RetNet, "angles", lambda f: lambda self, at, dtype: f(self, at - at[:, :1], dtype)),
        lambda: cut("retnet"),
    ),
    Bug(
        "state-dropped-in-prefill",
        "transformers' Mamba: several tokens after a cache start from zero",
        swap(mamba, "scan", scan_with(forget_the_state)),
        lambda: cut("mamba"),
    ),
    Bug(
        "convolution-state-off-by-one",
        "the last inputs but one",
        swap(mamba, "last_inputs", older_by_one),
        lambda: cut("mamba"),
    ),
    Bug(
        "convolution-state-off-by-one-2",
        "the same in Mamba-2",
        swap(mamba2, "last_inputs", older_by_one),
        lambda: cut("mamba2"),
    ),
    Bug(
        "state-overwritten",
        "the cache written in place, in another order",
        lambda m: m.setattr(cache_state.LayerState, "write", write_in_place),
        lambda: cut("mamba"),
    ),
    Bug(
        "step-without-bias",
        "dt = softplus(W x), the bias forgotten",
        lambda m: m.setattr(mamba.Linear, "forward", no_bias),
        mamba_parity,
    ),
    Bug(
        "step-without-softplus",
        "dt used as it comes, where exp is meant to tame it",
        swap(mamba, "F", lambda f: SimpleNamespace(softplus=torch.exp)),
        mamba_parity,
    ),
    Bug(
        "rates-positive",
        "A = exp(A_log)",
        swap(mamba, "scan", scan_with(lambda given: given.update(A=-given["A"]))),
        mamba_parity,
    ),
    Bug(
        "rates-in-float32",
        "mambapy casts A whatever the model's dtype",
        swap(mamba, "scan", scan_with(lambda given: given.update(A=given["A"].float().double()))),
        mamba_parity,
    ),
    Bug(
        "input-held-exactly",
        "equation 4 taken for what the code does",
        swap(mamba, "scan", scan_with(held_exactly)),
        mamba_parity,
    ),
    Bug(
        "skip-forgotten",
        "y without D x",
        swap(mamba, "scan", scan_with(lambda given: given.update(D=None))),
        mamba_parity,
    ),
    Bug(
        "gate-forgotten",
        "y without silu(z)",
        swap(mamba, "scan", scan_with(lambda given: given.update(z=None))),
        mamba_parity,
    ),
    Bug(
        "padding-moves-the-state",
        "state-spaces/mamba #66",
        swap(mamba, "sort_padding", unmasked),
        lambda: cut("mamba"),
    ),
    Bug(
        "padding-moves-the-state-2",
        "the same in Mamba-2",
        swap(mamba2, "sort_padding", unmasked),
        lambda: cut("mamba2"),
    ),
    Bug(
        "padding-in-the-convolution",
        "padding counts as an input of the convolution",
        swap(mamba, "sort_padding", unsorted),
        lambda: cut("mamba"),
    ),
    Bug(
        "state-rewound",
        "a cache that pretends to forget",
        lambda m: m.setattr(cache_state.RecurrentCache, "rewind", lambda self, n: None),
        refuses_to_rewind,
    ),
    Bug(
        "chunks-without-a-past",
        "mamba.py #26: chunks that start from zero",
        lambda m: m.setattr(scan.torch, "stack", zeros_for_starts(torch.stack)),
        scans,
    ),
    Bug("chunk-state-not-decayed", "the state between SSD chunks", swap(ssd, "_chunk", decays_kept), duals),
    Bug(
        "norm-before-gate",
        "Mamba-2's norm_before_gate the wrong way round",
        lambda m: m.setattr(mamba2.GatedNorm, "forward", norm_first),
        mamba2_parity,
    ),
    Bug(
        "step-limits-ignored",
        "transformers' one-token step of Mamba-2",
        lambda m: m.setattr(torch.Tensor, "clamp", lambda self, *a, **k: self),
        mamba2_parity,
    ),
    Bug(
        "groups-interleaved",
        "heads share B and C by turns instead of in runs",
        swap(mamba2, "ssd", by_turns),
        mamba2_parity,
    ),
    Bug(
        "convolution-comes-round",
        "an FFT without padding",
        swap(diagonal, "convolve", lambda f: circular),
        long_convolution,
    ),
    Bug(
        "tiles-not-rescaled",
        "FlashAttention: the old sum is not brought to the new maximum",
        lambda m: m.setattr(flash.torch, "maximum", lambda a, b: b),
        tiles,
    ),
    Bug(
        "linear-attention-future",
        "the running sum taken before the chunk's own mask",
        lambda m: m.setattr(torch.Tensor, "tril", lambda self, *a: self),
        linear_attention_forms,
    ),
    Bug(
        "features-without-the-norm",
        "Performer without exp(-|x|²/2)",
        swap(performer, "random_features", lambda f: unnormed),
        random_features_are_unbiased,
    ),
]
