"""Episodes: what to do next."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.data.episodes import Episode, load_episode
from headway.use.results import Action
from headway.zoo import Loaded


@torch.inference_mode()
def act(loaded: Loaded, episode: Episode | str | Path) -> Action:
    """The next action in an episode, so that what is asked for comes of it.

    Args:
        loaded: A Decision Transformer.
        episode: What happened so far, or a .json or .npz file of it (`headway.data.episodes`).

    Raises:
        HeadwayError: no such model, or an episode whose sizes are not the model's.
    """
    if loaded.entry.kind != "decision":
        raise HeadwayError(f"{loaded.name} does not act: a Decision Transformer does.")
    given = inputs_of(loaded, episode)
    out = loaded.model(*given)
    return Action(tuple(out.actions[0, -1].tolist()), int(given[3][0, -1]), float(given[0][0, -1, 0]))


def inputs_of(loaded: Loaded, episode: Episode | str | Path) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What the model takes of an episode: returns (1, t, 1), states (1, t, s), actions (1, t, a) and times (1, t).

    The last action, which is not known yet, is zero: nothing that decides on it sees it.

    Raises:
        HeadwayError: its sizes are not the model's.
    """
    c, like = loaded.model.config, next(loaded.model.parameters())
    name = "the episode" if isinstance(episode, Episode) else str(episode)
    found = episode if isinstance(episode, Episode) else load_episode(episode)
    t, width = found.states.shape
    if width != c.state_width:
        raise HeadwayError(f"{name} has states of {width} numbers, and this model's have {c.state_width}")
    if t > 1 and found.actions.shape[1] != c.action_width:
        raise HeadwayError(
            f"{name} has actions of {found.actions.shape[1]} numbers, and this model's have {c.action_width}"
        )
    if found.first + t > c.episode:
        raise HeadwayError(f"{name} ends at step {found.first + t}, and this model's episodes have {c.episode}")
    # What will be done now is not known, and not seen: an action stands behind its state.
    unknown = torch.zeros(1, c.action_width)
    actions = torch.cat((found.actions, unknown)) if t > 1 else unknown
    return (
        found.returns[None, :, None].to(like),
        found.states[None].to(like),
        actions[None].to(like),
        torch.arange(found.first, found.first + t, device=like.device)[None],
    )
