"""From gradients to weights: which rule takes which parameter, at which rate, and what has to be kept for the next step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from headway.train import schedules
from headway.train.config import Schedule, TrainConfig
from headway.train.optimisers import SGD, AdamW, Muon, Rule, clip_
from headway.train.parallel import fill, whole


class Updates:
    """The optimiser (or two) of a run, with its schedule and its clipping.

    Args:
        model: Already where and how it will be trained (moved, shared out).
    """

    def __init__(self, model: nn.Module, config: TrainConfig):
        self.names: dict[Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
        self.clip = config.optimiser.clip or None
        self.factor = schedule(config.schedule, steps=config.steps, width=getattr(model_config(model), "width", 1))
        self.rules = _rules(model, config)

    def step(self, step: int) -> None:
        """Update every weight, for the `step`-th time, counted from 1, and forget the gradients."""
        factor = self.factor(step)
        for rule in self.rules:
            for group in rule.param_groups:
                group["lr"] = group["peak"] * factor
            rule.step()
        self.forget()

    def forget(self) -> None:
        """No gradients."""
        for rule in self.rules:
            rule.zero_grad(set_to_none=True)

    def clip_gradients(self) -> float:
        """Clip, and return the norm of all gradients before."""
        return clip_(self.names, self.clip)

    def rate(self, step: int) -> float:
        """The learning rate of the first rule at `step`."""
        return self.rules[0].param_groups[0]["peak"] * self.factor(step)

    def tensors(self) -> dict[str, Tensor]:
        """What the rules remember, whole, as ``optimiser.<parameter>.<name>``. Every process has to ask."""
        found = {}
        for parameter, state in self._states():
            # Sorted: after a resume each process has them in an order of its own, and a share must meet its other half.
            for name, value in sorted(state.items()):
                if isinstance(value, Tensor):
                    found[f"optimiser.{self.names[parameter]}.{name}"] = whole(value)
        return found

    def counts(self) -> dict[str, int]:
        """How many updates each parameter has had, where the rule counts them."""
        return {self.names[parameter]: state["step"] for parameter, state in self._states() if "step" in state}

    def restore(self, tensors: Mapping[str, Tensor], counts: Mapping[str, int]) -> None:
        """Remember what `tensors` and `counts` gave."""
        parameters = {name: parameter for parameter, name in self.names.items()}
        rules = {parameter: rule for rule in self.rules for group in rule.param_groups for parameter in group["params"]}
        for key, value in sorted(tensors.items()):
            if key.startswith("optimiser."):
                name, _, kind = key.removeprefix("optimiser.").rpartition(".")
                parameter = parameters[name]
                kept = rules[parameter].kept([parameter], kind)[0]
                fill(kept, value)
        for name, count in counts.items():
            rules[parameters[name]].state[parameters[name]]["step"] = count

    def _states(self) -> list[tuple[Tensor, dict[str, Any]]]:
        # In the order of the parameters, so that every process asks for the same tensor at the same time.
        states = {parameter: state for rule in self.rules for parameter, state in rule.state.items()}
        return [(parameter, states[parameter]) for parameter in self.names if parameter in states]


def schedule(settings: Schedule, *, steps: int, width: int) -> Callable[[int], float]:
    """Step, counted from 1 -> what the peak learning rate is multiplied by."""
    name, warmup, floor = settings.name, settings.warmup, settings.floor
    decay = max(1, round(settings.decay * steps))
    found: dict[str, Callable[[int], float]] = {
        "cosine": lambda step: schedules.cosine(step, steps=steps, warmup=warmup, floor=floor),
        "linear": lambda step: schedules.linear(step, steps=steps, warmup=warmup, floor=floor),
        "wsd": lambda step: schedules.warm_up_stable_decay(step, steps=steps, warmup=warmup, decay=decay, floor=floor),
        "inverse-sqrt": lambda step: schedules.inverse_sqrt(step, warmup=warmup),
        "attention": lambda step: schedules.attention_is_all_you_need(step, width=width, warmup=max(1, warmup)),
        "constant": lambda step: schedules.constant(step, warmup=warmup),
    }
    return found[name]


def model_config(model: nn.Module) -> Any:
    """The configuration of a model of the catalogue, None for any other."""
    return getattr(model, "config", None)


def _rules(model: nn.Module, config: TrainConfig) -> list[Rule]:
    o = config.optimiser
    parameters = dict(model.named_parameters())
    inner = {name for name in inner_matrices(model) if o.name == "muon"}
    rules: list[Rule] = []
    if inner:
        pieces = fused_pieces(model) if o.split else {}
        groups = []
        for rows in dict.fromkeys(pieces.get(name) for name in inner_matrices(model)):
            matrices = [parameters[name] for name in inner_matrices(model) if pieces.get(name) == rows]
            groups.append({"params": matrices, "rows": rows})
        rules.append(Muon(groups, lr=o.lr, momentum=o.momentum, weight_decay=o.weight_decay))
    rest = {name: parameter for name, parameter in parameters.items() if name not in inner}
    groups = []
    for decay, chosen in (
        (o.weight_decay, [p for p in rest.values() if p.dim() >= 2]),
        (0.0, [p for p in rest.values() if p.dim() < 2]),  # gains and biases have no scale to keep small
    ):
        if chosen:
            groups.append({"params": chosen, "weight_decay": decay})
    if groups and o.name == "sgd":
        rules.append(SGD(groups, lr=o.lr, momentum=o.momentum))
    elif groups:
        rules.append(AdamW(groups, lr=o.adamw_lr if o.name == "muon" else o.lr, betas=o.betas, eps=o.eps))
    for rule in rules:
        for group in rule.param_groups:
            group["peak"] = group["lr"]
    return rules


def inner_matrices(model: nn.Module) -> list[str]:
    """The names of the matrices between embedding and head: those of linear layers in the blocks."""
    found = []
    for path, module in model.named_modules():
        inside = any(part.isdecimal() for part in path.split("."))  # an element of a list of layers
        if inside and isinstance(module, nn.Linear):
            found.append(f"{path}.weight")
    known = dict(model.named_parameters())
    return [name for name in found if name in known]


def fused_pieces(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """Name of a fused projection -> the rows of its queries, keys and values."""
    found: dict[str, tuple[int, ...]] = {}
    for path, module in model.named_modules():
        qkv = getattr(module, "qkv", None)
        heads = getattr(module, "n_head", None)
        if isinstance(qkv, nn.Linear) and isinstance(heads, int):
            groups = getattr(module, "n_group", heads)
            head, rest = divmod(qkv.out_features, heads + 2 * groups)
            if rest == 0:
                found[f"{path}.qkv.weight"] = (heads * head, groups * head, groups * head)
    return found


def count_parameters(model: nn.Module) -> int:
    """All weights, shared ones once."""
    return sum(parameter.numel() for parameter in model.parameters())


@torch.no_grad()
def first_not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """The name of the first tensor that holds a NaN or an infinity, and how many."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and (bad := int((~torch.isfinite(tensor)).sum())):
            return f"{name} ({bad} of {tensor.numel()} values)"
    return None
