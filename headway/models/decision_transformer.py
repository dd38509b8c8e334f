"""Decision Transformer: reinforcement learning as sequence modelling; actions are predicted from the return still to come.

Chen et al., *Decision Transformer: Reinforcement Learning via Sequence Modeling*, 2021 (arXiv 2106.01345).

    (return to go, state, action) x t -> embed each + time -> norm -> causal blocks -> norm -> the state's token -> action

Against GPT-2: a token is a vector, not an id, and three of them make a step; the position is the time of the episode, shared by
the three; ReLU. There is no reward to maximise and no bootstrapping: it is trained to continue recorded episodes, and acting
well is asking for a high return (algorithm 1 of the paper).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import DERIVED, at_least_one, settle
from headway.base.errors import HeadwayError
from headway.blocks.attention import attend, merge_heads, split_heads
from headway.blocks.cache import KVCache, LayerCache, Span, locate
from headway.blocks.embedding import Embedding
from headway.blocks.linear import Linear
from headway.blocks.tap import Tap

NOTES = {
    "embedding": "return, state and action through a linear map each; interleaved R s a R s a ...",
    "position": "a learned vector per time of the episode, the same for the three tokens of a step",
    "norm": "LayerNorm after the embedding, before each sublayer (pre-norm), and once more at the end",
    "attention": "causal over the 3t tokens: the state's token sees the return asked for, not the action it has to give",
    "mlp": "ReLU between two linear maps, four times the width inside",
    "head": "the action from the state's token (through tanh if actions are bounded); state and return from the action's",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class DecisionTransformerConfig:
    """The sizes of a Decision Transformer.

    Attributes:
        state_width, action_width: Of the vectors of the environment.
        width, n_layer, n_head, ff_width: Residual stream, blocks, heads, width inside the MLP (4 · width if None).
        episode: The most steps an episode has, each with a learned vector.
        bounded: Whether actions pass through tanh, into (-1, 1). Off for logits of discrete actions.
        positions: Rows of a position table that released checkpoints carry and use the first row of.
        eps: Added to the variance in LayerNorm.
        dropout: Probability on embeddings and sublayer outputs, in training only.
    """

    state_width: int
    action_width: int
    width: int
    n_layer: int
    n_head: int
    ff_width: int = DERIVED
    episode: int = 4096
    bounded: bool = True
    positions: int = 1024
    eps: float = 1e-5
    dropout: float = 0.0

    def __post_init__(self) -> None:
        at_least_one(self, "width", "n_layer", "n_head", "ff_width", "episode", "state_width", "action_width")
        settle(self, ff_width=4 * self.width)
        if self.width % self.n_head:
            raise HeadwayError(f"n_head must divide width: {self.width} is not a multiple of {self.n_head}")


class Predictions(NamedTuple):
    """What is predicted at each step: its action (from return and state), the state and the return after it."""

    actions: Float[Tensor, "b t a"]
    states: Float[Tensor, "b t s"]
    returns: Float[Tensor, "b t 1"]


class DecisionTransformer(nn.Module):
    """Recorded episodes in, predictions of every step's action out; `act` runs it step by step."""

    def __init__(self, config: DecisionTransformerConfig):
        super().__init__()
        self.config = config
        self.embed_return = Linear(1, config.width)
        self.embed_state = Linear(config.state_width, config.width)
        self.embed_action = Linear(config.action_width, config.width)
        self.time = Embedding(config.episode, config.width, "time step")
        self.embed_norm = nn.LayerNorm(config.width)
        self.offset = nn.Parameter(torch.zeros(config.width))
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(config.width, config.eps)
        self.to_action = Linear(config.width, config.action_width)
        self.to_state = Linear(config.width, config.state_width)
        self.to_return = Linear(config.width, 1)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: N(0, 0.02), biases and the offset 0, gains 1."""
        for name, weight in self.named_parameters():
            if "norm" in name and name.endswith("weight"):
                nn.init.ones_(weight)
            elif name.endswith("bias") or name == "offset":
                nn.init.zeros_(weight)
            else:
                nn.init.normal_(weight, std=0.02, generator=generator)

    def forward(
        self,
        returns: Float[Tensor, "b t 1"],
        states: Float[Tensor, "b t s"],
        actions: Float[Tensor, "b t a"],
        times: Int[Tensor, "b t"],
        *,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Predictions:
        """Predictions at every step of recorded episodes.

        Args:
            returns: The return still to be collected from each step on, scaled as in training.
            states, actions: As recorded.
            times: The step's number within its episode, from 0.
            mask: True at real steps, None if all are.
        """
        t, time = times.shape[1], self.time(times)
        steps = torch.stack((self.embed_return(returns), self.embed_state(states), self.embed_action(actions)), dim=2)
        x = (steps + time[:, :, None]).flatten(1, 2)
        x = self._run(x, None, None if mask is None else mask.repeat_interleave(3, dim=1))
        after = x.unflatten(1, (t, 3))
        return Predictions(self._action(after[:, :, 1]), self.to_state(after[:, :, 2]), self.to_return(after[:, :, 2]))

    def act(
        self,
        returns: Float[Tensor, "b 1"],
        state: Float[Tensor, "b s"],
        time: int,
        cache: KVCache,
        *,
        last_action: Float[Tensor, "b a"] | None = None,
    ) -> Float[Tensor, "b a"]:
        """The action of step `time`, one step at a time: what was done before is in `cache`.

        Args:
            returns: The return to ask for from here on: at each step less the reward that came.
            state: Where the environment is.
            time: The step's number within the episode.
            cache: From `new_cache`, extended in place.
            last_action: The action really taken at the step before (which may not be the one proposed); None at the first.
        """
        if (last_action is None) != (cache.length == 0):
            raise HeadwayError("the first step has no action before it, and every other has one: give last_action")
        if not 0 <= time < self.config.episode:
            raise HeadwayError(
                f"an episode of this model has {self.config.episode} steps, 0 to {self.config.episode - 1}: "
                f"there is no step {time}"
            )
        now = torch.tensor([time], device=state.device)
        tokens = [self.embed_return(returns) + self.time(now), self.embed_state(state) + self.time(now)]
        if last_action is not None:
            tokens.insert(0, self.embed_action(last_action) + self.time(now - 1))
        return self._action(self._run(torch.stack(tokens, dim=1), cache, None)[:, -1])

    def _run(self, x: Tensor, cache: KVCache | None, mask: Tensor | None) -> Tensor:
        """The causal stack over embedded tokens."""
        span = locate(x, cache, mask)
        x = self.drop(self.embed_norm(x) + self.offset)
        for block, kv in zip(self.blocks, cache or [None] * len(self.blocks), strict=True):
            x = block(x, span, kv)
        if cache is not None:
            cache.advance(span.t)
        return self.norm(x)

    def _action(self, x: Tensor) -> Tensor:
        action = self.to_action(x)
        return action.tanh() if self.config.bounded else action

    def new_cache(self, batch: int, steps: int) -> KVCache:
        """An empty cache for `batch` episodes of up to `steps` steps (three tokens each)."""
        c, weight = self.config, self.offset
        return KVCache(
            [None] * c.n_layer,
            batch,
            c.n_head,
            c.width // c.n_head,
            3 * steps,
            dtype=weight.dtype,
            device=weight.device,
        )


class Block(nn.Module):
    """Attention, then the MLP, each on a normed copy of the stream and added back to it."""

    def __init__(self, config: DecisionTransformerConfig):
        super().__init__()
        self.attn_norm, self.mlp_norm = (nn.LayerNorm(config.width, config.eps) for _ in range(2))
        self.attn, self.mlp = Attention(config), MLP(config)
        self.after_attn, self.after_mlp = Tap(), Tap()

    def forward(self, x: Tensor, span: Span, kv: LayerCache | None) -> Tensor:
        x = self.after_attn(x + self.attn(self.attn_norm(x), span, kv))
        return self.after_mlp(x + self.mlp(self.mlp_norm(x)))


class Attention(nn.Module):
    """Causal multi-head attention with one fused projection for queries, keys and values."""

    def __init__(self, config: DecisionTransformerConfig):
        super().__init__()
        self.n_head = config.n_head
        self.qkv = Linear(config.width, 3 * config.width)
        self.out = Linear(config.width, config.width)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, span: Span, kv: LayerCache | None) -> Tensor:
        q, k, v = (split_heads(part, self.n_head) for part in self.qkv(x).chunk(3, dim=-1))
        if kv is not None:
            k, v = kv.extend(k, v)
        mask = span.mask(k.shape[2])
        return self.drop(self.out(merge_heads(attend(q, k, v, mask, causal=mask is None))))


class MLP(nn.Module):
    """Two linear maps with ReLU between them."""

    def __init__(self, config: DecisionTransformerConfig):
        super().__init__()
        self.up = Linear(config.width, config.ff_width)
        self.down = Linear(config.ff_width, config.width)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.down(F.relu(self.up(x))))


PRESETS = {  # table 9 of the paper; the sizes of the vectors and the length of an episode are those of Gym's hopper
    "gym-hopper": DecisionTransformerConfig(
        state_width=11, action_width=3, width=128, n_layer=3, n_head=1, episode=1000
    ),
}
