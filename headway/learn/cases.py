"""What the author of an exercise writes with: random inputs by axis names, calls, laws, mistakes, solutions.

An exercise is a folder ``headway/course/exercises/<topic>/<name>/`` of five files. docs/exercises.md is the page on how to
write one; ``attention/sdpa`` is the worked example (functions) and ``attention/multihead`` the one with a module.
"""

from __future__ import annotations

import inspect
import itertools
import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Call", "Draw", "Function", "Make", "Mistake", "case", "law", "mistake", "near", "note", "switches"]


@dataclass
class Function:
    """A function handed to the learner's code as an argument: an expression over `torch`, `math` and the given values.

    The learner's process cannot be given cases.py, which holds the answer, so a callable argument travels as source text.
    Example: ``Function("lambda tokens: table[tokens[:, -1]]", table=logits)``.
    """

    source: str
    values: dict[str, Any] = field(default_factory=dict)

    def __init__(self, source: str, **values: Any) -> None:
        self.source, self.values = source, values
        self._made = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.make()(*args, **kwargs)

    def make(self) -> Any:
        """The function itself."""
        if self._made is None:
            import torch

            self._made = eval(self.source, {"torch": torch, "math": math, **self.values})
        return self._made


class Draw:
    """One draw of an exercise's sizes, and the random values that go with them.

    Axes are written by name, separated by blanks: ``d.normal("b h t k")``. A name may be a number or an expression over
    names without blanks (``"b t h*k"``, ``"t+1"``). ``d.t`` and ``d["t"]`` are the sizes themselves. The same seed and
    the same sizes give the same values, which is what lets the judge shrink a failing input.
    """

    def __init__(self, sizes: dict[str, int], seed: int) -> None:
        import torch

        self.sizes = dict(sizes)
        self.random = random.Random(seed)
        self.generator = torch.Generator().manual_seed(seed & 0x7FFFFFFF)
        self.axes: dict[int, str] = {}
        self._alive: list[Any] = []

    def __getitem__(self, name: str) -> int:
        return self.sizes[name]

    def __getattr__(self, name: str) -> int:
        try:
            return self.__dict__["sizes"][name]
        except KeyError:
            raise AttributeError(f"this exercise has no size '{name}'") from None

    def shape(self, axes: str) -> tuple[int, ...]:
        """The sizes of `axes`."""
        return tuple(int(eval(axis, {"__builtins__": {}}, self.sizes)) for axis in axes.split())

    def normal(self, axes: str, *, std: float = 1.0) -> Tensor:
        """Normal, float64. Gradients are checked with respect to it, unless the case says otherwise."""
        import torch

        return self.keep(
            torch.randn(self.shape(axes), generator=self.generator, dtype=torch.float64).mul_(std).add_(0.0), axes
        )

    def uniform(self, axes: str, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Uniform in [low, high), float64."""
        import torch

        values = torch.rand(self.shape(axes), generator=self.generator, dtype=torch.float64)
        return self.keep(low + (high - low) * values, axes)

    def integers(self, axes: str, low: int | str, high: int | str) -> Tensor:
        """int64 in [low, high); a bound may be an axis name or an expression over them (``d.integers("b t", 0, "v")``)."""
        import torch

        low, high = (int(eval(str(x), {"__builtins__": {}}, self.sizes)) for x in (low, high))
        return self.keep(torch.randint(low, high, self.shape(axes), generator=self.generator), axes)

    def distinct(self, count: int | str, below: int | str) -> Tensor:
        """`count` different int64 in [0, below), in random order."""
        import torch

        count, below = (int(eval(str(x), {"__builtins__": {}}, self.sizes)) for x in (count, below))
        return self.keep(torch.randperm(below, generator=self.generator)[:count], str(count))

    def mask(self, axes: str, *, keep: float = 0.6, every_row: bool = True) -> Tensor:
        """bool, True with probability `keep`; with `every_row`, at least one True along the last axis."""
        import torch

        shape = self.shape(axes)
        mask = torch.rand(shape, generator=self.generator) < keep
        if every_row and shape[-1]:
            lucky = torch.randint(0, shape[-1], (*shape[:-1], 1), generator=self.generator)
            mask.scatter_(-1, lucky, True)
        return self.keep(mask, axes)

    def integer(self, low: int, high: int) -> int:
        """One int in [low, high], both included."""
        return self.random.randint(low, high)

    def number(self, low: float, high: float) -> float:
        """One float in [low, high]."""
        return self.random.uniform(low, high)

    def choice(self, options: list | tuple | str) -> Any:
        """One of `options`."""
        return self.random.choice(options)

    def text(self, length: int, alphabet: str = "abcdefgh ") -> str:
        """`length` random characters of `alphabet`."""
        return "".join(self.random.choice(alphabet) for _ in range(length))

    def keep(self, tensor: Tensor, axes: str) -> Tensor:
        """Remember the axes of a tensor that the case made itself, so that messages can name them."""
        self.axes[id(tensor)] = axes
        self._alive.append(tensor)  # an id stays unique only while its object lives
        return tensor


@dataclass
class Call:
    """One call of an entry of the learner's file: ``Call("attend", q=q, k=k, v=v)``.

    Arguments are given by the reference's parameter names; those which the reference lets be positional are passed by
    position, so that a learner may call them otherwise.
    """

    entry: str
    arguments: dict[str, Any]

    def __init__(self, entry: str, /, **arguments: Any) -> None:
        self.entry, self.arguments = entry, arguments
        self.made: dict[str, Any] | None = None
        self.steps: list[tuple[str, dict[str, Any]]] = [("", arguments)]


class Make(Call):
    """An object of a class of the learner's file, and what is then done with it, one result per step.

    ``Make("MultiHeadAttention", width=12, n_head=3).call(x=x)`` for a module;
    ``Make("Counter", start=3).do("add", n=2).do("total")`` for anything with a state.
    """

    def __init__(self, entry: str, /, **arguments: Any) -> None:
        super().__init__(entry)
        self.made, self.steps = arguments, []

    def call(self, **arguments: Any) -> Make:
        """Call the object itself."""
        return self.do("__call__", **arguments)

    def do(self, method: str, /, **arguments: Any) -> Make:
        """Call one of its methods. A name in brackets, ``"[total]"``, reads an attribute instead."""
        self.steps.append((method, arguments))
        self.arguments = {**self.arguments, **arguments}
        return self


@dataclass(frozen=True)
class Case:
    """A kind of input. `build(draw)` returns a `Call`."""

    name: str
    build: Callable[[Draw], Call]
    gradient: bool = True
    float32: bool = True
    layouts: bool = True
    draws: int = 14
    tolerance: float | None = None
    sizes: dict[str, Any] = field(default_factory=dict)
    bfloat16: bool | float = False


def case(
    name: str,
    *,
    gradient: bool = True,
    float32: bool = True,
    layouts: bool = True,
    draws: int = 14,
    tolerance: float | None = None,
    bfloat16: bool | float = False,
    **sizes: Any,
) -> Callable[[Callable[[Draw], Call]], Case]:
    """A kind of input on which the learner's answer must equal the reference.

    Args:
        name: completes "wrong ..." in a message: "with a padding mask", "where t is not s".
        gradient: compare the gradients of every floating input (and parameter) too.
        float32: run it in float32 as well, where the answer must be float32 (switch off where rounding is magnified).
        layouts: run it on inputs that are not contiguous, and on views of a larger tensor, as well.
        draws: how many draws of the sizes at most; the hard ones (all least, each least alone, all equal, all greatest) are
            always among them, and may be more.
        tolerance: instead of the exercise's TOLERANCE.
        bfloat16: run it in bfloat16 as well, where the answer must be bfloat16 and right to 1 %, or to this number. What
            computes in float32 and is rounded once, at the end, is right to 0.004.
        sizes: ranges that replace those of SIZES for this case: ``t=(2, 6)``, ``t=(1, "s")`` (not above s), ``t=1``.
    """

    def make(build: Callable[[Draw], Call]) -> Case:
        return Case(name, build, gradient, float32, layouts, draws, tolerance, sizes, bfloat16)

    return make


@dataclass(frozen=True)
class Law:
    """Something true of every right answer, checked through calls of the learner's code."""

    sentence: str
    check: Callable[..., Any]
    draws: int = 3
    costly: bool = False
    sizes: dict[str, Any] = field(default_factory=dict)


def law(sentence: str, *, draws: int = 3, costly: bool = False, **sizes: Any) -> Callable[[Callable[..., Any]], Law]:
    """A law: ``check(learner, d)`` returns whether it holds; ``learner.attend(q, k, v)`` calls the learner's function.

    The sentence says what a *broken* law means, in the learner's words: "the weights of a row do not add up to 1: with
    every v equal to 1 the output is not 1". Laws give a wrong answer that no mistake matches something to go by, and they
    are all there is where the right answer is not unique (sampling, shuffling): then leave the reference's output out by
    writing no case. A costly law is one in which slow code would have to be stopped: it is looked at where nothing else is
    wrong.
    """

    def make(check: Callable[..., Any]) -> Law:
        return Law(sentence, check, draws, costly, sizes)

    return make


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people really give."""

    name: str
    sentence: str
    entry: str | None
    answer: Any
    switch: dict[str, Any] | None = None
    base: Any = None
    kind: str | None = None
    also: dict[str, Any] = field(default_factory=dict)

    def variants(self, further: Sequence[float] = (), most: int = 64) -> Iterator[tuple[dict[str, Any], Any]]:
        """The mistake as it is given, then with the other values of `also`: what was chosen, and the answer.

        A number in `also` that the sentence speaks of, ``{eps}``, may be any other: then one of `further`, too.
        """
        yield {}, self.answer
        base = self.answer if self.base is None else self.base
        told = set(re.findall(r"\{(\w+)\}", self.sentence))
        for name, values in self.also.items():
            whole = all(type(value) is int for value in values)
            if name in told and (whole or all(type(value) is float for value in values)):
                for value in (int(n) if whole else n for n in further if not whole or float(n).is_integer()):
                    if (value > 0) == (values[0] > 0) and value not in values:
                        yield {name: value}, _switched(base, {**(self.switch or {}), name: value})
        for values in itertools.islice(itertools.product(*self.also.values()), most if self.also else 0):
            chosen = dict(zip(self.also, values, strict=True))
            yield chosen, _switched(base, {**(self.switch or {}), **chosen})

    def told(self, facts: dict[str, Any]) -> str:
        """The sentence with the numbers of the input at hand: ``{expression}`` over its sizes and scalar arguments."""
        return fill(self.sentence, {**(self.switch or {}), **facts})


def mistake(
    sentence: str,
    *,
    of: str | None = None,
    name: str | None = None,
    kind: str | None = None,
    also: dict[str, list] | None = None,
) -> Callable[[Any], Mistake]:
    """A wrong answer written out: a function (or class) with the signature of the entry `of`.

    Args:
        sentence: what is wrong, in one sentence with the numbers of the failing input:
            ``"scores are divided by sqrt({h*k}), the model width, not by sqrt({k}), the head width"``.
        of: the entry it replaces; may be left out where the exercise has one entry.
        kind: for mistakes the judge knows by behaviour rather than by value: "precision" (a detour through float32),
            "in-place", "random", "layout", "gradient", "dtype". Its own sentence is then shown for it.
        also: other values of the answer's keyword-only parameters (of a class: attributes) with which it is the same
            mistake: ``also={"eps": [1e-5, 1e-6, 1e-12]}``. The sentence may speak of the one that was met: ``{eps}``.
    """

    def make(answer: Any) -> Mistake:
        return Mistake(name or answer.__name__, sentence, of, answer, kind=kind, also=also or {})

    return make


def switches(
    base: Callable,
    rows: dict[str, tuple],
    *,
    of: str | None = None,
    kinds: dict | None = None,
) -> list[Mistake]:
    """Several mistakes as switches of one function, ``{name: (sentence, {switch: value})}``.

    `base` has the entry's signature and further keyword-only parameters, the switches, whose defaults give the right
    answer. It saves writing a dozen nearly equal functions, and lets the judge recognise two mistakes made at once. A third
    item of a row, ``{switch: [values]}``, gives other values with which it is the same mistake, as `also` of `mistake` does.
    """
    return [
        Mistake(
            name,
            sentence,
            of,
            _switched(base, switch),
            switch,
            base,
            (kinds or {}).get(name),
            further[0] if further else {},
        )
        for name, (sentence, switch, *further) in rows.items()
    ]


def _switched(base: Callable, switch: dict[str, Any]) -> Callable:
    if inspect.isclass(base):
        return type(base.__name__, (base,), {**switch, "__module__": base.__module__})

    def wrong(*args: Any, **kwargs: Any) -> Any:
        return base(*args, **kwargs, **switch)

    return wrong


def combined(mistakes: list[Mistake]) -> list[tuple[Mistake, Mistake, Any]]:
    """Every two mistakes that are different switches of one function, and the answer that makes both."""
    pairs = []
    for n, one in enumerate(mistakes):
        for other in mistakes[n + 1 :]:
            if one.base is None or one.base is not other.base or set(one.switch or ()) & set(other.switch or ()):
                continue
            pairs.append((one, other, _switched(one.base, {**(one.switch or {}), **(other.switch or {})})))
    return pairs


AUTOGRAD = (
    *("autograd", "backward", "vjp", "jvp", "jacrev", "jacfwd", "hessian", "linearize", "grad_and_value", "grad_fn"),
    *("requires_grad_", "forward_ad", "make_dual", "_softmax_backward_data", "_log_softmax_backward_data"),
    *("nll_loss_backward", "native_layer_norm_backward", "native_group_norm_backward", "native_batch_norm_backward"),
    *("imag", "view_as_real", "angle", "complex64", "complex128"),
)
"""For `FORBIDDEN`: what differentiates by itself, kernels of single ways back and the complex step included."""

_notes: list[tuple[str, Any]] | None = None
_alteration: Callable[[str, Any], Any] | None = None


def note(name: str, value: Any) -> Any:
    """Name an intermediate of the reference: ``weights = note("weights", scores.softmax(-1))``. Returns `value`, to go on with.

    On a wrong answer the judge looks for these, in this order, among everything the learner's code computed (by value,
    whatever it is called), and shows the first that is not there. It also lets the reference go on with another value in its
    place, to see whether that gives the wrong answer: so what follows has to use what `note` returns.
    """
    if _alteration is not None:
        value = _alteration(name, value)
    if _notes is not None:
        _notes.append((name, value))
    return value


def noted(run: Callable[[], Any]) -> list[tuple[str, Any]]:
    """What `note` was given while `run` ran."""
    global _notes
    _notes = []
    try:
        run()
        return _notes
    finally:
        _notes = None


def altered(run: Callable[[], Any], alteration: Callable[[str, Any], Any]) -> Any:
    """What `run` returns where the reference goes on with ``alteration(name, value)`` in place of every noted intermediate."""
    global _alteration
    _alteration = alteration
    try:
        return run()
    finally:
        _alteration = None


def near(a: Any, b: Any, tolerance: float = 1e-9) -> bool:
    """Whether two tensors (or numbers) have one shape and agree to `tolerance` relative to the larger's greatest value."""
    import torch

    if not isinstance(a, torch.Tensor) and not isinstance(a, int | float):
        return False
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    if a.shape != b.shape:
        return False
    if not a.numel():
        return True
    a, b = a.to(torch.float64), b.to(torch.float64)
    scale = max(1.0, float(b.abs().max()))
    return bool(((a - b).abs() <= tolerance * scale).all())


def fill(sentence: str, facts: dict[str, Any]) -> str:
    """`sentence` with every ``{expression}`` replaced by its value over `facts`; one that cannot be computed stays a word."""
    allowed = {name: getattr(math, name) for name in ("sqrt", "log", "exp", "floor", "ceil", "pi")}

    def value(match: re.Match[str]) -> str:
        try:
            result = eval(
                match[1], {"__builtins__": {"min": min, "max": max, "round": round, "abs": abs}}, {**allowed, **facts}
            )
        except Exception:
            return match[1]
        return f"{result:.4g}" if isinstance(result, float) else str(result)

    return re.sub(r"\{([^{}]+)\}", value, sentence)
