"""How fast, against whom: both arms in one run, A B A B, and the ratio of neighbours.

A machine's speed changes by the minute (other work, heat, a shared host), so a number alone says little, and two numbers
from two runs say nothing. Neighbours in time are compared, and the median of those ratios is what is reported.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import dataclasses
import gc
import importlib
import os
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from headway.base.errors import HeadwayError
from headway.base.reading import read_json_object
from headway.evals.request import SpeedRequest
from headway.models.catalog import entry
from headway.sample.generate import Until, generate, last_logits
from headway.zoo import load, must_speak, parse_device, parse_dtype

Arm = Callable[[], float]
"""Does the work once and returns its rate, in units a second."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What `compare` measured.

    Attributes:
        rates: Arm -> its rate in each round; the first arm is ours.
        unit: What the rates count, a second.
        notes: What else was seen: whether the answers were the same, for instance.
    """

    rates: dict[str, list[float]]
    unit: str
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def ratios(self) -> list[float]:
        """First arm over second, round by round."""
        ours, theirs = list(self.rates.values())[:2]
        return [a / b for a, b in zip(ours, theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the ratios; more than 1 where the first arm is faster."""
        return statistics.median(self.ratios)

    def record(self) -> dict[str, Any]:
        """For a JSON file."""
        extra = {"ratio": self.ratio, "ratios": self.ratios} if len(self.rates) > 1 else {}
        return {**asdict(self), **extra}


def compare(
    arms: Mapping[str, Arm], *, rounds: int, unit: str, tell: Callable[[int], None] = lambda done: None
) -> Comparison:
    """Run the arms in turn, `rounds` times each, after one round that does not count (caches, kernels, allocators).

    The order alternates (A B, B A, ...), so that neither arm always comes first.
    """
    if rounds < 1:
        raise HeadwayError(f"rounds is 1 or more, not {rounds}.")
    rates: dict[str, list[float]] = {name: [] for name in arms}
    for turn in range(rounds + 1):
        for name in list(arms) if turn % 2 == 0 else reversed(list(arms)):
            gc.collect()
            rate = arms[name]()
            if turn:
                rates[name].append(rate)
        tell(turn)
    return Comparison(rates=rates, unit=unit)


def machine() -> dict[str, Any]:
    """What it was measured on."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as lines:
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    from headway.blocks.native import why_not

    return {
        "processor": name,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "kernels": why_not() or "compiled",
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def busy() -> str | None:
    """One line where other work takes the processors, which no interleaving mends altogether."""
    if not hasattr(os, "getloadavg"):
        return None
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load < 0.5 * cores:
        return None
    return f"this machine is busy (load {load:.1f} on {cores} cores): the ratio is of use, the rates less so"


def _clock(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def decode_rate(model: Any, tokens: Tensor, n: int, said: list[int] | None = None) -> float:
    """Tokens a second of our `generate` after the first one, greedy; what it says goes into `said`."""
    begun, ids = 0.0, []
    for step, chosen in enumerate(generate(model, tokens, until=Until(max_tokens=n))):
        ids.append(int(chosen[0]))
        if step == 0:
            begun = _clock(tokens.device)
    seconds = _clock(tokens.device) - begun
    if said is not None:
        said[:] = ids
    return (n - 1) / seconds


class _Clocked:
    """A streamer for `transformers`: notes when the first token came, and which came."""

    def __init__(self, device: torch.device):
        self.device, self.calls, self.begun, self.ids = device, 0, 0.0, []

    def put(self, value: Tensor) -> None:
        self.calls += 1
        if self.calls > 1:  # the first call hands over the prompt
            self.ids.append(int(value.reshape(-1)[0]))
        if self.calls == 2:
            self.begun = _clock(self.device)

    def end(self) -> None:
        pass


def their_decode_rate(model: Any, tokens: Tensor, n: int, said: list[int] | None = None) -> float:
    """The same of the `generate` of `transformers`, with its own default cache."""
    clock = _Clocked(tokens.device)
    with torch.inference_mode():
        model.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            max_new_tokens=n,
            min_new_tokens=n,
            do_sample=False,
            pad_token_id=0,
            streamer=clock,
        )
    seconds = _clock(tokens.device) - clock.begun
    if said is not None:
        said[:] = clock.ids
    return (n - 1) / seconds


def prefill_rate(model: Any, tokens: Tensor) -> float:
    """Tokens a second of reading a prompt into a cache, up to the logits after it."""
    begun = _clock(tokens.device)
    last_logits(model, tokens, model.new_cache(tokens.shape[0], tokens.shape[1]))
    return tokens.numel() / (_clock(tokens.device) - begun)


def their_prefill_rate(model: Any, tokens: Tensor) -> float:
    """The same of `transformers`, which is told to keep the logits of the last token only."""
    begun = _clock(tokens.device)
    with torch.inference_mode():
        model(tokens, use_cache=True, logits_to_keep=1)
    return tokens.numel() / (_clock(tokens.device) - begun)


def forward_rate(model: Any, tokens: Tensor, *, head: bool = True, **how: Any) -> float:
    """Tokens a second of the logits of a whole text, without a cache; without `head`, of the states before it."""
    run = model if head else _trunk(model)
    begun = _clock(tokens.device)
    with torch.inference_mode():
        run(tokens, **how)
    return tokens.numel() / (_clock(tokens.device) - begun)


def train_rate(model: Any, tokens: Tensor, *, head: bool = True, **how: Any) -> float:
    """Tokens a second of a forward and a backward pass of the loss of the next token, without the optimiser's step.

    Without `head` the loss is the mean square of the last states: what is left is the layers.
    """
    run = model if head else _trunk(model)
    begun = _clock(tokens.device)
    out = run(tokens, **how)
    if head:
        logits = getattr(out, "logits", out)
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    else:
        loss = getattr(out, "last_hidden_state", out).square().mean()
    loss.backward()
    rate = tokens.numel() / (_clock(tokens.device) - begun)
    model.zero_grad(set_to_none=True)
    return rate


def _trunk(model: Any) -> Callable[..., Any]:
    """All of a language model but its head: ours, mambapy's between our ends, or that of `transformers`."""
    if hasattr(model, "hidden"):
        return model.hidden
    return model[:-1] if isinstance(model, torch.nn.Sequential) else model.base_model


class _Products(TorchDispatchMode):
    """Adds up the time which matrix products take."""

    # Under inference_mode a linear layer comes as one, with gradients as the product it is made of.
    KINDS = tuple(getattr(torch.ops.aten, name) for name in ("mm", "addmm", "bmm", "baddbmm", "matmul", "linear"))
    seconds = 0.0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket not in self.KINDS:
            return func(*args, **(kwargs or {}))
        begun = time.perf_counter()
        out = func(*args, **(kwargs or {}))
        self.seconds += time.perf_counter() - begun
        return out


def product_share(work: Callable[[], Any]) -> float:
    """The part of the time of `work`, on a CPU, which PyTorch's matrix products take.

    Another implementation of the same model has the same products to do. So a ratio can rise to itself divided by our share,
    and no further, however quick all else becomes.
    """
    begun = time.perf_counter()
    with _Products() as products:
        work()
    return products.seconds / (time.perf_counter() - begun)


def peak_memory(work: Callable[[], Any]) -> int:
    """Bytes by which the process grew while `work` ran, at the most. 0 where the system does not tell."""
    if torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return torch.cuda.max_memory_allocated() - before
    path = Path("/proc/self/statm")
    if not path.exists():
        work()
        return 0

    def resident() -> int:
        return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # what was freed goes back first, or growth into it would not show
    peak = before = resident()
    done = threading.Event()

    def look() -> None:
        nonlocal peak
        while not done.wait(0.002):
            peak = max(peak, resident())

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return max(peak, resident()) - before


@contextlib.contextmanager
def reference(model: Any) -> Iterator[Any]:
    """The same weights, in the same dtype, in the class of `transformers` that the exported config.json names."""
    from headway.weights import export_folder

    try:
        # By name, because Headway never depends on what it is compared with.
        theirs = importlib.import_module("transformers")
    except ImportError as error:
        raise HeadwayError("transformers is not installed: pip install -c constraints.txt transformers.") from error
    parameter = next(model.parameters())
    # transformers sets this on import, for its own printing; ours comes from the command line.
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder, _quiet(theirs):
        export_folder(model, folder)
        name = read_json_object(Path(folder) / "config.json")["architectures"][0]
        if not hasattr(theirs, name):
            raise HeadwayError(f"transformers has no {type(model).__name__}: there is nothing to compare with.")
        other = getattr(theirs, name).from_pretrained(folder, dtype=parameter.dtype)
        yield other.to(parameter.device).eval()


@contextlib.contextmanager
def mambapy_reference(model: Any) -> Iterator[Any]:
    """The same weights in mambapy's Mamba, between our embedding and our head: it has none that a CPU can import."""
    try:
        theirs = importlib.import_module("mambapy.mamba")
    except ImportError as error:
        raise HeadwayError("mambapy is not installed: pip install -c constraints.txt mambapy.") from error
    config = model.config
    if type(model).__name__ != "Mamba":
        raise HeadwayError("mambapy is a reference for mamba only; against transformers works for every architecture.")
    sizes = theirs.MambaConfig(
        d_model=config.width,
        n_layers=config.n_layer,
        d_state=config.state,
        expand_factor=config.inner // config.width,
        d_conv=config.taps,
        dt_rank=config.step_rank,
        rms_norm_eps=config.eps,
        bias=config.bias,
        conv_bias=config.conv_bias,
    )
    stack = theirs.Mamba(sizes).to(next(model.parameters()))
    names = {"expand": "in_proj", "conv_weight": "conv1d.weight", "conv_bias": "conv1d.bias", "select": "x_proj"}
    names |= {"step": "dt_proj", "out": "out_proj"}
    weights = {}
    for key, value in model.blocks.state_dict().items():
        layer, kind, *rest = key.split(".")
        if kind == "mixer":
            rest[0] = names.get(rest[0], rest[0])
            value = value.t().unsqueeze(1) if key.endswith("conv_weight") else value
        weights[".".join(("layers", layer, kind, *rest))] = value
    stack.load_state_dict(weights)
    yield torch.nn.Sequential(model.embed, stack, model.norm, _Call(model.readout))


class _Call(torch.nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


@contextlib.contextmanager
def parallel_reference(model: Any) -> Iterator[Any]:
    """The same model in its parallel form: chunks longer than any text."""
    if not hasattr(model.config, "chunk"):
        raise HeadwayError("only a model that works in chunks can be compared with its parallel form: retnet.")
    other = copy.copy(model)
    other._modules = copy.deepcopy(model)._modules
    for module in [other, *other.modules()]:
        if hasattr(module, "config"):
            module.config = dataclasses.replace(module.config, chunk=2**40)
    yield other


@contextlib.contextmanager
def _quiet(theirs: Any) -> Iterator[None]:
    logging = theirs.utils.logging
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()


def bench(
    kind: str,
    model: Any,
    tokens: Tensor,
    *,
    against: str | None,
    n: int,
    rounds: int,
    memory: bool = False,
    head: bool = True,
    products: bool = False,
    tell: Callable[[int], None] = lambda done: None,
) -> Comparison:
    """Measure one of `KINDS` on `model`, alone or `against` one of `REFERENCES`, in tokens a second.

    Args:
        tokens: The prompt, (1, t).
        n: Tokens to decode (`decode` only).
        memory: Measure peak memory as well, in one more run of each.
        head: Whether the head, which all implementations share, takes part (`forward` and `train`).
        products: Note the share of our time that matrix products take, in one more run (see `product_share`).
    """
    ours, theirs = KINDS[kind]
    if not head and kind not in ("forward", "train"):
        raise HeadwayError(f"without the head: forward or train, not {kind}.")
    if against not in (None, "transformers"):
        theirs = ours
        if against == "mambapy" and kind not in ("forward", "train"):
            raise HeadwayError(f"mambapy can be compared in forward and train, not in {kind}.")
    said: tuple[list[int], list[int]] = ([], [])
    with REFERENCES[against](model) if against else contextlib.nullcontext() as other:
        arms: dict[str, Arm] = {"headway": lambda: ours(model, tokens, n, said[0], head)}
        if against:
            arms[against] = lambda: theirs(other, tokens, n, said[1], head)
        result = compare(arms, rounds=rounds, unit="tokens/s", tell=tell)
        if memory:
            result.notes["peak bytes"] = {name: peak_memory(arm) for name, arm in arms.items()}
        if products:
            result.notes["in products"] = product_share(arms["headway"])
    if kind == "decode" and against:
        same = next((i for i, (a, b) in enumerate(zip(*said, strict=True)) if a != b), n)
        result.notes["same tokens"] = f"{same} of {n}"
    return result


def measure(request: SpeedRequest, dtype: str, *, tell: Callable[[int], None] = lambda done: None) -> dict[str, Any]:
    """What `bench` finds for a request in one number format, as a JSON file holds it.

    Args:
        tell: Is called with the number of each finished round, from 0 on.
    """
    model, prompt = _subject(request, dtype)
    context, more = getattr(model.config, "context", None), request.tokens if request.kind == "decode" else 0
    if context is not None and prompt.shape[1] + more > context:
        asked = f"{prompt.shape[1]} + {more}" if more else str(prompt.shape[1])
        raise HeadwayError(f"{asked} tokens do not fit into the model's context of {context}.")
    found = bench(
        request.kind,
        model,
        prompt,
        against=request.against,
        n=request.tokens,
        rounds=request.rounds,
        memory=request.memory,
        head=request.head,
        products=request.products,
        tell=tell,
    )
    return {"dtype": dtype, **found.record()}


PROMPT = "Explain in simple words how a transformer reads a sentence."


def _subject(request: SpeedRequest, dtype: str) -> tuple[Any, Tensor]:
    """The model in evaluation mode and a prompt (1, t): random ids, or the same sentence over and over."""
    length = request.length
    if (found := request.untrained) is not None:
        architecture, size = found
        config = importlib.import_module(f"headway.models.{architecture}").PRESETS[size]
        if request.layers is not None:
            config = dataclasses.replace(config, n_layer=request.layers)
        device = parse_device(request.device)
        model = entry(architecture).load()[0](config).to(device=device, dtype=parse_dtype(dtype)).eval()
        return model, torch.randint(0, config.vocab_size, (1, length), device=device)
    loaded = load(request.name, dtype=dtype, device=request.device)
    must_speak(loaded.entry.kind, loaded.name)
    ids = loaded.encode(PROMPT)
    device = next(loaded.model.parameters()).device
    return loaded.model, torch.tensor([(ids * (length // len(ids) + 1))[:length]], device=device)


KINDS: dict[str, tuple[Callable[..., float], Callable[..., float]]] = {
    "decode": (
        lambda model, tokens, n, said, head: decode_rate(model, tokens, n, said),
        lambda model, tokens, n, said, head: their_decode_rate(model, tokens, n, said),
    ),
    "forward": (
        lambda model, tokens, n, said, head: forward_rate(model, tokens, head=head),
        lambda model, tokens, n, said, head: forward_rate(model, tokens, head=head, use_cache=False),
    ),
    "train": (
        lambda model, tokens, n, said, head: train_rate(model, tokens, head=head),
        lambda model, tokens, n, said, head: train_rate(model, tokens, head=head, use_cache=False),
    ),
    "prefill": (
        lambda model, tokens, n, said, head: prefill_rate(model, tokens),
        lambda model, tokens, n, said, head: their_prefill_rate(model, tokens),
    ),
}
"""What can be measured: name -> (ours, the same in transformers), called with (model, tokens, n, said, head)."""

REFERENCES: dict[str, Callable[[Any], contextlib.AbstractContextManager[Any]]] = {
    "transformers": reference,
    "mambapy": mambapy_reference,
    "parallel": parallel_reference,
}
"""What a model can be compared with: name -> the same weights there, from our model."""
