"""A model and what is asked of it, as one module: a batch in, the sum of its losses out."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from headway.base.errors import HeadwayError
from headway.blocks.documents import apart
from headway.models.catalog import entry
from headway.train.config import TrainConfig, check_model
from headway.train.data import Batch, Material
from headway.train.losses import IGNORE, cross_entropy
from headway.train.words import Words

KINDS = {
    "causal": ("decoder",),
    "masked": ("encoder",),
    "seq2seq": ("encoder-decoder",),
    "classification": ("encoder",),
}
"""Objective -> the kinds of model that can learn it."""


class Task(nn.Module):
    """A model with its objective.

    Args:
        model: By objective: causal and masked, tokens -> logits (b, t, v); seq2seq, (source, tokens) -> logits (b, t, v);
            classification, tokens -> logits (b, n).
        smoothing: Label smoothing in training; a loss taken in evaluation mode is without.
    """

    def __init__(self, model: nn.Module, objective: str, *, smoothing: float = 0.0):
        super().__init__()
        self.model, self.objective, self.smoothing = model, objective, smoothing

    def forward(self, batch: Batch, *, judge: bool = False) -> Tensor:
        """The sum of the losses at the targets that count; or, to `judge`, (that, targets predicted correctly, targets)."""
        if judge:
            return self.judge(batch)
        logits, targets = self.logits(batch), batch.targets
        smoothing = self.smoothing if self.training else 0.0
        return cross_entropy(logits.flatten(0, -2), targets.flatten(), smoothing=smoothing)

    def logits(self, batch: Batch) -> Float[Tensor, "b *t v"]:
        """What the model makes of the batch."""
        model: Any = self.model
        if self.objective == "seq2seq":
            # Padding stands at the right end of a target, where no real token looks.
            return model(batch.source, batch.tokens, source_mask=batch.source_mask)
        if batch.documents is not None:
            with apart(batch.documents):
                return model(batch.tokens)
        found = model(batch.tokens) if batch.mask is None else model(batch.tokens, mask=batch.mask)
        # BERT's pre-training head also says whether a second sentence follows, which nothing here asks.
        return found[0] if isinstance(found, tuple) else found

    @torch.no_grad()
    def judge(self, batch: Batch) -> Float[Tensor, 3]:
        """(Sum of losses, targets predicted correctly, targets), in float64, so that sums over many batches lose nothing."""
        logits = self.logits(batch)
        asked = batch.targets != IGNORE
        right = (logits.argmax(-1) == batch.targets) & asked
        loss = cross_entropy(logits.flatten(0, -2), batch.targets.flatten())
        return torch.stack((loss.double(), right.sum().double(), asked.sum().double()))


def build_model(config: TrainConfig, words: Words, material: Material) -> nn.Module:
    """The model that the settings ask for, with weights drawn from the seed.

    Raises HeadwayError if the architecture is unknown, cannot learn the objective, or refuses its sizes.
    """
    found = entry(config.model.name)
    if found.kind not in KINDS[config.objective]:
        raise HeadwayError(
            f"{found.name} is {'an' if found.kind[0] in 'aeiou' else 'a'} {found.kind}; the objective "
            f"{config.objective} needs {' or '.join(KINDS[config.objective])}: `headway models` lists them"
        )
    model_class, config_class = found.load()
    sizes = dict(check_model(config.model).sizes)
    fields = config_class.__dataclass_fields__
    given = {"vocab_size": words.size, "context": config.data.context}
    given |= {"head": "mlm"} if config.objective == "masked" else {}
    given |= {"head": "sequence", "labels": material.labels} if config.objective == "classification" else {}
    for name, value in given.items():
        if name in fields:
            sizes.setdefault(name, value)
    if sizes.get("vocab_size", words.size) < words.size:
        raise HeadwayError(f"model.vocab_size is {sizes['vocab_size']}, and the tokenizer has {words.size} ids")
    try:
        settled = config_class(**sizes)
    except TypeError:
        missing = [name for name, field in fields.items() if name not in sizes and _required(field)]
        raise HeadwayError(f"{found.name} needs {', '.join(f'model.{name}' for name in missing)}") from None
    torch.manual_seed(config.seed)
    return model_class(settled)


def recompute_blocks(model: nn.Module) -> int:
    """Let every block keep only its input, and compute itself again on the way back; return how many blocks do.

    Chen et al., *Training Deep Nets with Sublinear Memory Cost*, 2016 (1604.06174). Numbers and names stay the same.
    """
    blocks = [block for layers in model.children() if isinstance(layers, nn.ModuleList) for block in layers]
    for block in blocks:
        block.forward = functools.partial(_recomputed, block, block.forward)  # pyrefly: ignore[bad-assignment]
    return len(blocks)


def _recomputed(block: nn.Module, forward: Any, *args: Any, **kwargs: Any) -> Any:
    if not (block.training and torch.is_grad_enabled()):
        return forward(*args, **kwargs)
    return checkpoint(forward, *args, use_reentrant=False, **kwargs)


@contextlib.contextmanager
def evaluating(task: nn.Module):
    """Without gradients and dropout; afterwards as before, the random generators included."""
    training = task.training
    state = torch.get_rng_state()
    task.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_rng_state(state)
        task.train(training)


def _required(field: Any) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
