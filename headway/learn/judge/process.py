"""The process with the learner's code, from outside: started, asked, watched, ended.

Whatever that process does, asking it either gives a reply or raises `Stopped` within the limits, and nothing of it is left
running afterwards.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import re
import signal
import subprocess
import sys
import time
from typing import Any, NoReturn

from headway.learn.judge.child import COMPILER, IMPORTING, Load, serve
from headway.learn.judge.limits import REFUSED, die_with_parent
from headway.learn.judge.perform import CallRequest, CallResult, Performed, Raised
from headway.learn.judge.wire import Channel, Ended, Garbled, Late

PRINTED = 8 << 20
"""Bytes that code may print before it is taken for an endless loop."""


class Stopped(Exception):
    """The child is gone, or had to be stopped. `how`: timeout, memory, exited, signal, refused, garbled."""

    def __init__(self, how: str, text: str = "", busy: bool = True) -> None:
        super().__init__(text)
        self.how, self.text, self.busy = how, text, busy


class Child:
    """A fork of this process, made before it has done anything with tensors, that runs the learner's code."""

    def __init__(self) -> None:
        to_child, from_child = os.pipe(), os.pipe()
        self._out, self._dump = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _become_child(to_child[0], from_child[1], self._out[1], self._dump[1])
        for fd in (to_child[0], from_child[1], self._out[1], self._dump[1]):
            os.close(fd)
        for fd in (self._out[0], self._dump[0], to_child[1]):
            os.set_blocking(fd, False)
        self.channel = Channel(from_child[0], to_child[1], idle=self._watch)
        self.printed, self.printed_bytes = bytearray(), 0
        self.dumped = bytearray()
        self.called: set[str] = set()
        self._base = 0
        self.limits = Load("", "", [])
        self._waited = 0.0
        self.ended: int | None = None
        self.processor = 0.0

    def load(self, load: Load) -> dict:
        """Give it the learner's file. Returns its first reply."""
        self.limits = load
        self._base = resident(self.pid)
        self._used = processor(self.pid)
        importing = bool(COMPILER.search(load.source))
        if importing:  # what torch imports for it is not counted: until the file is open, time for it is added
            self._used += IMPORTING
        reply = self._ask(vars(load))
        if importing:
            self._used += min(float(reply.get("before", 0.0)), IMPORTING) - IMPORTING
        return reply

    def ask(self, what: str, request: CallRequest) -> dict:
        """A request ("call", "trace" or "describe") and its reply. Raises `Stopped` where none comes."""
        return self._ask({"do": what, "with": request.spread()})

    def _ask(self, message: Any) -> dict:
        # Only what is waited for this process counts, and a busy machine is given time: code that computes is bounded by
        # its processor time, code that sleeps by this.
        began = time.monotonic()
        deadline = began + min(self.limits.wall, 3 * self.limits.wall - self._waited)
        try:
            self.channel.send(message, deadline)
            reply = self.channel.receive(deadline)
            self._waited += time.monotonic() - began
            if not isinstance(reply, dict) or not ({"ok", "raised"} & set(reply)):
                raise Garbled("not a reply")
        except Late:
            self._stop("timeout", busy=False)
        except Garbled as error:
            self._stop("garbled", str(error))
        except (Ended, BlockingIOError):
            self._stop("ended")
        assert isinstance(reply, dict)
        if isinstance(reply.get("called"), list):
            self.called.update(str(name) for name in reply["called"])
        self._drain()
        return reply

    def _watch(self) -> None:
        """Called while waiting: swallow what is printed, look at memory and processor time."""
        self._drain()
        if self.printed_bytes > PRINTED:
            self._stop("printing")
        if resident(self.pid) > self._base + self.limits.memory:
            self._stop("memory")
        if processor(self.pid) - self._used > self.limits.seconds:
            self._stop("timeout")

    def _drain(self) -> None:
        for fd, buffer in ((self._out[0], self.printed), (self._dump[0], self.dumped)):
            for _ in range(64):
                try:
                    data = os.read(fd, 65536)
                except (BlockingIOError, OSError):
                    break
                if not data:
                    break
                if buffer is self.printed:
                    self.printed_bytes += len(data)
                buffer += data[: max(0, 16384 - len(buffer))]

    def _stop(self, how: str, text: str = "", busy: bool = True) -> NoReturn:
        """End the child, find out what it was doing, and raise `Stopped`."""
        if how in ("timeout", "printing"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGUSR1)
            until, size = time.monotonic() + 0.5, -1
            # The interpreter writes piece by piece: enough has come when nothing more does.
            while time.monotonic() < until and not self._gone() and size != len(self.dumped):
                size = len(self.dumped) or -1
                time.sleep(0.04)
                self._drain()
        self._drain()
        if how == "ended":
            until = time.monotonic() + 1.0
            while not self._gone() and time.monotonic() < until:
                time.sleep(0.005)
            self._drain()
        before = self._gone()
        self.close()
        dumped = self.dumped.decode(errors="replace")
        refused = re.search(r"^REFUSED (.*)$", dumped, re.MULTILINE)
        if refused and os.waitstatus_to_exitcode(self.ended or 0) == REFUSED:
            raise Stopped("refused", refused[1])
        if how == "ended" and before:
            code = os.waitstatus_to_exitcode(self.ended or 0)
            if code < 0 and -code in (signal.SIGXCPU, signal.SIGKILL):
                raise Stopped("timeout" if -code == signal.SIGXCPU else "memory")
            raise Stopped("exited" if code >= 0 else "signal", str(abs(code)))
        raise Stopped("closed" if how == "ended" else how, text or dumped, busy)

    def _gone(self) -> bool:
        if self.ended is None:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.ended = status
        return self.ended is not None

    def close(self) -> None:
        """Kill the child, its group, and whatever it left behind."""
        self.processor = max(self.processor, processor(self.pid))
        for kill, target in ((os.killpg, self.pid), (os.kill, self.pid)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if not self._gone() or kill is os.killpg:
                    kill(target, signal.SIGKILL)
        until = time.monotonic() + 5
        while not self._gone() and time.monotonic() < until:
            time.sleep(0.002)
        self._drain()
        _sweep()


def result_of(reply: dict) -> CallResult:
    """A reply of the child as a result. Raises `Stopped` for one that is not made like a result: an answer of no use."""
    import torch

    if isinstance(found := reply.get("raised"), dict):
        kinds, frames = found.get("kinds"), found.get("frames")
        return CallResult(
            raised=Raised(
                type=str(found.get("type", "")),
                message=str(found.get("message", "")),
                frames=[f for f in frames if isinstance(f, list) and len(f) == 3] if isinstance(frames, list) else [],
                kinds=[str(k) for k in kinds] if isinstance(kinds, list) else [],
                name=str(found["name"]) if found.get("name") else None,
            )
        )
    try:
        result = Performed(**(reply.get("ok") or {}))
    except TypeError as error:
        raise Stopped("garbled", "a reply that is no result") from error
    after, gradients = result.after, result.gradients
    if (
        not isinstance(after, list)
        or not all(isinstance(step, list) and all(isinstance(t, torch.Tensor) for t in step) for step in after)
        or not isinstance(result.state, list)
        or not isinstance(result.altered, list)
        or not isinstance(result.marked, list)
        or not isinstance(result.flows, list | None)
        or not (gradients is None or isinstance(gradients, list))
        or not all(t is None or isinstance(t, torch.Tensor) for t in gradients or [])
    ):
        raise Stopped("garbled", "a reply that is no result")
    return CallResult(result=result)


def _become_child(inbox: int, outbox: int, out: int, dump: int) -> None:
    """In the fork: cut every tie to the terminal and to the judge but the four pipes, and serve."""
    try:
        os.setsid()
        die_with_parent()
        null = os.open(os.devnull, os.O_RDONLY)
        # High numbers first, so that moving one never closes another.
        high = [_move(fd) for fd in (null, out, inbox, outbox, dump)]
        for fd, at in zip(high, (0, 1, 3, 4, 5), strict=True):
            os.dup2(fd, at, inheritable=False)
        os.dup2(1, 2)
        os.closerange(6, 65536 if os.sysconf("SC_OPEN_MAX") < 0 else min(os.sysconf("SC_OPEN_MAX"), 65536))
        sys.stdin = io.TextIOWrapper(io.FileIO(0, "r"))
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w"), write_through=True, errors="replace")
        sys.stderr = sys.stdout
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        serve(3, 4, 5)
    except (Ended, BrokenPipeError):
        pass
    finally:
        os._exit(0)


def _move(fd: int) -> int:
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100)


def _sweep() -> None:
    """End every process that descends from this one."""
    for _ in range(20):
        try:
            with open(f"/proc/{os.getpid()}/task/{os.getpid()}/children") as file:
                left = [int(pid) for pid in file.read().split()]
        except OSError:
            return
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def resident(pid: int) -> int:
    """Bytes of memory a process holds; 0 where that cannot be found out."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return _ps(pid, "rss") * 1024 if not os.path.isdir("/proc/self") else 0


def processor(pid: int) -> float:
    """Seconds of processor time a process has used; 0 where that cannot be found out."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


def _ps(pid: int, what: str) -> int:
    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        shown = subprocess.run(["ps", "-o", f"{what}=", "-p", str(pid)], capture_output=True, text=True, timeout=2)
        return int(shown.stdout.split()[0]) if shown.stdout.split() else 0
    return 0
