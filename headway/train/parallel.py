"""One process or several: what torchrun set up, who does which rows, and how a share becomes the whole again.

The loss of an update is a sum over all targets of all processes, divided once. So with two processes as with one the same
numbers come out, to rounding, and a checkpoint, which always holds whole tensors, fits any number of processes.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from headway.base.environment import place_in_run
from headway.base.errors import HeadwayError
from headway.train.data import Batch
from headway.train.losses import IGNORE
from headway.train.optimisers import is_shard, shard_like


@dataclass(frozen=True, kw_only=True)
class World:
    """The processes of a run, and this one among them.

    Attributes:
        rank, size: Which one this is, of how many.
        device: Where it computes.
        kind: "alone", "ddp" or "fsdp".
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    kind: str = "alone"

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def share(self, batch: Batch) -> Batch:
        """This process's rows of a batch, on its device. With fewer rows than processes some get one that asks nothing."""
        mine = batch.part(self.rank, self.size)
        if not len(mine):
            mine = batch.part(0, len(batch))
            mine = Batch(**{**mine.__dict__, "targets": torch.full_like(mine.targets, IGNORE)})
        return mine.to(self.device)

    def total(self, tensor: Tensor) -> Tensor:
        """The sum of `tensor` over all processes, in every one of them."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def agree(self, value: Any) -> Any:
        """The first process's `value`, in all of them."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def gather(self, value: Any) -> list[Any]:
        """Every process's `value`, in all of them."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, value)
        return found

    def wait(self) -> None:
        """Go on when all are here."""
        if self.size > 1:
            dist.barrier()


@contextlib.contextmanager
def join(parallel: str, device: str) -> Iterator[World]:
    """The world that torchrun describes in the environment; a world of one without it.

    Raises HeadwayError if the device is not there.
    """
    size, rank, near = place_in_run()
    found = find_device(device, near)
    if size == 1:
        yield World(device=found)
        return
    if found.type == "cuda":
        torch.cuda.set_device(found)
    already = dist.is_initialized()
    if not already:
        try:
            dist.init_process_group("nccl" if found.type == "cuda" else "gloo")
        except (ValueError, RuntimeError) as error:  # MASTER_ADDR or MASTER_PORT missing, or nobody there
            line = " ".join(str(error).split())
            raise HeadwayError(
                f"WORLD_SIZE is {size}, but the {size} processes do not find one another ({line[:120]}): start them with "
                "torchrun, or unset WORLD_SIZE."
            ) from error
    try:
        yield World(rank=rank, size=size, device=found, kind=parallel)
    finally:
        if not already:
            # DDP's reducer may be the last that holds the group. Freed by Python afterwards, it waits for gloo's thread with the
            # interpreter's lock in its hand, and gloo's thread for the lock: nobody ever ends.
            gc.collect()
            dist.destroy_process_group()


def find_device(name: str, near: int = 0) -> torch.device:
    """ "auto" is a GPU where there is one. Raises HeadwayError where what is asked for is not there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise HeadwayError(f"there is no device '{name}': auto, cpu, cuda, mps") from None
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise HeadwayError("device=cuda: PyTorch finds no GPU here; `headway doctor` says what there is")
        return torch.device("cuda", near if device.index is None else device.index)
    return device


def fast_bfloat16(device: torch.device) -> bool:
    """Whether this device multiplies bfloat16 matrices in hardware; emulated, they are several times slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))
    return False


def spread(task: nn.Module, world: World) -> nn.Module:
    """The task to call: itself, in DDP, or with its weights shared out by FSDP2 (in place)."""
    if world.kind == "ddp":
        from torch.nn.parallel import DistributedDataParallel

        devices = [world.device] if world.device.type == "cuda" else None
        return DistributedDataParallel(task, device_ids=devices)
    if world.kind == "fsdp":
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh(world.device.type, (world.size,))
        for layers in (one for one in task.modules() if isinstance(one, nn.ModuleList)):
            for block in layers:
                fully_shard(block, mesh=mesh)
        fully_shard(task, mesh=mesh)
    return task


@contextlib.contextmanager
def gradients_stay(task: nn.Module, yes: bool) -> Iterator[None]:
    """If `yes`, the backward passes in this block add to this process's gradients only; the next one outside sums them up."""
    if not yes:
        yield
    elif hasattr(task, "no_sync"):
        with task.no_sync():  # pyrefly: ignore[not-callable]
            yield
    elif hasattr(task, "set_requires_gradient_sync"):
        task.set_requires_gradient_sync(False)  # pyrefly: ignore[not-callable]
        try:
            yield
        finally:
            task.set_requires_gradient_sync(True)  # pyrefly: ignore[not-callable]
    else:
        yield


def whole(tensor: Any) -> Tensor:
    """A tensor as all processes have it together; every process has to ask."""
    return tensor.full_tensor() if is_shard(tensor) else tensor


@torch.no_grad()
def fill(target: Any, value: Tensor) -> None:
    """Copy the whole `value` into `target`, which may be a share of it, where it lies."""
    mine = shard_like(value.to(target.device), target)
    (target.to_local() if is_shard(target) else target).copy_(mine)
