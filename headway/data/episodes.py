"""Episodes: what was asked for, seen and done so far, from a .json or .npz file."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from headway.base.errors import Corrupt, HeadwayError
from headway.base.files import expanded
from headway.base.reading import read_json_object
from headway.data import EPISODE

LARGEST = 64_000_000
"""Bytes that the arrays of a .npz file may unpack to: 16 million numbers."""
ARRAYS = ("states", "actions", "returns_to_go", "rewards", "target", "first_timestep")


@dataclass(frozen=True, kw_only=True)
class Episode:
    """An episode up to the state in which something has to be done, in the units the model was trained in.

    Attributes:
        states: (t, s), the last one where things stand now.
        actions: (t - 1, a), what was done in each state but the last.
        returns: (t,), what was still to be collected at each.
        first: The number of the first of these steps within the whole episode.
    """

    states: Float[Tensor, "t s"]
    actions: Float[Tensor, "t1 a"]
    returns: Float[Tensor, " t"]
    first: int = 0


def load_episode(path: Path | str) -> Episode:
    """Read an episode.

    The file holds ``states`` (t rows), ``actions`` (t - 1 rows; a last one, for the state where things stand, is not read) and
    ``returns_to_go`` (t numbers); or, for the last, ``rewards`` (t - 1 numbers) and ``target``, the return asked for at the
    beginning. ``first_timestep`` is the number of the first step, 0 if left out.
    """
    path = expanded(path)
    if not path.is_file():
        raise HeadwayError(
            f"there is no file {str(path)[:200]}: this model takes an episode, a .json file with {EPISODE}"
        )
    facts = _npz(path) if path.suffix.lower() == ".npz" else _json(path)
    states = _rows(path, facts, "states")
    t = len(states)
    if t < 1:
        raise HeadwayError(f"{path} has no state: give at least one, in which the model is to act")
    actions = _rows(path, facts, "actions") if t > 1 or len(facts.get("actions", ())) else states.new_zeros(0, 0)
    if len(actions) not in (t - 1, t):
        raise HeadwayError(f"{path} has {t} states and {len(actions)} actions: one for each state but the last")
    first = facts.get("first_timestep", 0)
    if isinstance(first, bool) or not isinstance(first, (int, float)) or first < 0 or first % 1:
        raise HeadwayError(f"{path}: first_timestep is a number from 0 on, not {first}")
    return Episode(states=states, actions=actions[: t - 1], returns=_returns(path, facts, t), first=int(first))


def _returns(path: Path, facts: dict[str, Any], t: int) -> Tensor:
    if "returns_to_go" in facts:
        returns = _numbers(path, facts, "returns_to_go").flatten()
        if len(returns) != t:
            raise HeadwayError(
                f"{path} has {t} states and {len(returns)} returns_to_go: as many of one as of the other"
            )
        return returns
    if "target" not in facts:
        raise HeadwayError(f"{path} lacks returns_to_go (or a target, and rewards): a model acts to get a return")
    target = _numbers(path, facts, "target").flatten()
    rewards = _numbers(path, facts, "rewards").flatten() if "rewards" in facts else target[:0]
    if len(target) != 1 or len(rewards) not in (t - 1, t):
        raise HeadwayError(f"{path}: target is one number, and rewards are one for each of {t} states but the last")
    return target - torch.cat((target.new_zeros(1), rewards[: t - 1].cumsum(0)))


def _rows(path: Path, facts: dict[str, Any], name: str) -> Tensor:
    if name not in facts:
        raise HeadwayError(f"{path} lacks {name}: an episode is {EPISODE}")
    rows = _numbers(path, facts, name)
    if rows.dim() != 2:
        raise HeadwayError(f"{path}: {name} is a list of lists of numbers, one for each step")
    return rows


def _numbers(path: Path, facts: dict[str, Any], name: str) -> Tensor:
    try:
        values = torch.as_tensor(facts[name], dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        raise HeadwayError(
            f"{path}: {name} holds something other than numbers, or rows of different lengths"
        ) from error
    if not bool(values.isfinite().all()):
        raise HeadwayError(f"{path}: {name} holds a number that is not finite")
    return values


def _json(path: Path) -> dict[str, Any]:
    return read_json_object(path, then=f"an episode is {EPISODE}, or a .npz file with these arrays")


def _npz(path: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:  # what it unpacks to stands in it: a few bytes can become gigabytes
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > LARGEST:
            raise HeadwayError(
                f"{path} unpacks to more than {LARGEST // 1_000_000} MB, which is no episode: leave out the rest"
            )
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name].tolist() for name in ARRAYS if name in file.files}
    except HeadwayError:
        raise
    except (
        Exception
    ) as error:  # the library raises whatever the damage makes of it: BadZipFile, zlib.error, MemoryError ...
        raise Corrupt(f"{path} is no whole .npz file of plain arrays: {' '.join(str(error).split())}") from error
