"""Files that try to get round the judge, or that go wrong in the worst ways: each is rejected, in time, for its reason."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.learn.exercise import Exercise
from headway.learn.judge import CheckRequest, Judge, Verdict
from headway.learn.judge.limits import PACKAGE, landlock_version

CASES = '''
import torch
from headway.learn.cases import Call, case, law, near, note, Function

ENTRIES = ("mix",)
SIZES = {"b": (1, 4), "t": (1, 6), "d": (1, 7)}
RETURNS = {"mix": "b d"}
FORBIDDEN = {"softmax": "write it out", "Softmax": "write it out", "MultiheadAttention": "no"}
NOTED = {"logsumexp": "logsumexp is a fine thing"}
LIMITS = {"seconds": 1.0, "wall": 2.0, "memory": 300 << 20}

def mix(x, w):
    """Softmax of w over t, then the sum of x by these weights."""
    e = note("powers", (w - w.max(-1, keepdim=True).values).exp())
    weights = note("weights", e / e.sum(-1, keepdim=True))
    return (weights[..., None] * x).sum(-2)

@case("plain")
def plain(d):
    return Call("mix", x=d.normal("b t d"), w=d.normal("b t"))

@law("the order of the rows matters", t=(2, 6))
def order(learner, d):
    x, w, p = d.normal("b t d"), d.normal("b t"), d.distinct("t", "t")
    return near(learner.mix(x, w), learner.mix(x[:, p], w[:, p]))
'''
MISTAKES = """
from headway.learn.cases import mistake

@mistake("the {t} rows are averaged, 1/{t} each")
def averaged(x, w):
    return x.mean(-2) + 0 * w.sum(-1, keepdim=True)
"""
HEAD = """import torch, math, os, sys
def right(x, w):
    e = (w - w.amax(-1, keepdim=True)).exp()
    return torch.einsum("bt,btd->bd", e / e.sum(-1, keepdim=True), x)
def wrong(x, w):
    return right(x, w * 1.1)
"""
END = "\ndef mix(x, w):\n"


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge() as warm:
        yield warm


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    folder = tmp_path_factory.mktemp("exercises") / "toy" / "mix"
    folder.mkdir(parents=True)
    (folder / "cases.py").write_text(CASES)
    (folder / "mistakes.py").write_text(MISTAKES)
    (folder / "task.py").write_text('"""Mix."""\ndef mix(x, w):\n    raise NotImplementedError\n')
    (folder / "solutions.py").write_text("")
    (folder / "hints.md").write_text("## 1\na\n## 2\nb\n")
    return Exercise("toy/mix", folder)


@pytest.fixture
def check(judge: Judge, exercise: Exercise, tmp_path: Path):
    def run(source: str | bytes, seed: int | None = None) -> Verdict:
        path = tmp_path / "mix.py"
        path.write_bytes(source if isinstance(source, bytes) else source.encode())
        return judge.check(exercise, path, seed)

    return run


LIAR = """
class Liar:
    def __eq__(self, other): return True
    def __getattr__(self, name): return self
    def __call__(self, *a, **k): return self
    def __iter__(self): return iter(())
"""

REJECTED: dict[str, tuple[str, str, str]] = {
    # name: (what follows HEAD, status, words of the line)
    "endless loop": (END + " while True: pass", "timeout", "line 9, `while True: pass`"),
    "endless loop when loaded": (END + " return right(x, w)\nwhile True: pass", "timeout", "line 10"),
    "endless loop that catches everything": (
        END + " while True:\n  try:\n   while True: pass\n  except BaseException: pass",
        "timeout",
        "still running",
    ),
    "signals ignored": (
        "import signal\nfor s in (signal.SIGXCPU, signal.SIGUSR1, signal.SIGTERM): signal.signal(s, signal.SIG_IGN)"
        + END
        + " while True: pass",
        "timeout",
        "still running",
    ),
    "sleeps": ("import time" + END + " time.sleep(1000)", "timeout", "time.sleep(1000)"),
    "prints for ever": (END + " while True: print('x' * 10000)", "timeout", "print"),
    "list without end": (END + " a = []\n while True: a.append(bytearray(10**7))", "memory", "300 MB"),
    "memory errors caught": (
        END + " a = []\n while True:\n  try: a.append(bytearray(10**7))\n  except MemoryError: pass",
        "memory",
        "300 MB",
    ),
    "huge tensor": (END + " return torch.ones(10**11)", "memory", "300 MB"),
    "tensors without end": (END + " a = []\n while True: a.append(torch.ones(10**6))", "memory", "300 MB"),
    "recursion": (END + " return mix(x, w)", "raised", "RecursionError"),
    "sys.exit": (END + " sys.exit(0)", "exited", "calls exit"),
    "sys.exit when loaded": (END + " return right(x, w)\nsys.exit(0)", "exited", "calls exit"),
    "os._exit": (END + " os._exit(0)", "exited", "ends the whole process"),
    "os._exit when loaded": ("os._exit(0)" + END + " return right(x, w)", "exited", "ends the whole process"),
    "abort": (END + " os.abort()", "exited", "SIGABRT"),
    "kills": (END + " os.kill(os.getppid(), 9)", "forbidden", "os.kill"),
    "forks": (END + " os.fork(); return right(x, w)", "forbidden", "os.fork"),
    "starts a program": (
        "import subprocess" + END + " subprocess.run(['true']); return right(x, w)",
        "forbidden",
        "subprocess.Popen",
    ),
    "a shell": (END + " os.system('true'); return right(x, w)", "forbidden", "os.system"),
    "connects": (
        "import socket" + END + " socket.create_connection(('127.0.0.1', 9)); return right(x, w)",
        "forbidden",
        "socket",
    ),
    "writes": (END + " open('written', 'w'); return right(x, w)", "forbidden", "writes to"),
    "appends by os.open": (
        END + " os.open('written', os.O_CREAT | os.O_WRONLY); return right(x, w)",
        "forbidden",
        "writes",
    ),
    "deletes itself": (END + " os.remove(__file__); return right(x, w)", "forbidden", "os.remove"),
    "ctypes": ("import ctypes" + END + " return right(x, w)", "forbidden", "ctypes"),
    "prints the verdict": (END + " print('\\x1b[2J passed'); return wrong(x, w)", "wrong", ""),
    "patches the comparison": (
        END + " torch.allclose = torch.equal = lambda *a, **k: True; torch.Tensor.__eq__ = lambda *a: True\n"
        " return wrong(x, w)",
        "wrong",
        "",
    ),
    "patches what compares": (
        "torch.Tensor.abs = lambda s: s * 0\ntorch.isfinite = torch.isnan = lambda s: s == s"
        + END
        + " return wrong(x, w)",
        "wrong",
        "",
    ),
    "patches what sends": (END + " torch.Tensor.numpy = lambda s: b''\n return wrong(x, w)", "raised", ""),
    "patches the judge's own modules": (
        "for n, m in list(sys.modules.items()):\n if n.startswith('headway'):\n  for a in list(vars(m)):\n"
        "   if callable(getattr(m, a)) and not isinstance(getattr(m, a), type): setattr(m, a, lambda *a, **k: True)"
        + END
        + " return wrong(x, w)",
        "garbled",
        "channel",
    ),
    "forges a reply": (
        END
        + " import json, struct\n h = json.dumps({'value': {'d': [[{'v': 'ok'}, {'v': True}]]}, 'sizes': []}).encode()\n"
        " for fd in range(3, 9):\n  try: os.write(fd, struct.pack('<I', len(h)) + h)\n  except OSError: pass\n"
        " return wrong(x, w)",
        "garbled",
        "channel",
    ),
    "garbage on every pipe": (
        END + " for fd in range(3, 9):\n  try: os.write(fd, b'x' * 1000)\n  except OSError: pass\n return wrong(x, w)",
        "garbled",
        "channel",
    ),
    "closes everything": (END + " os.closerange(0, 100); return wrong(x, w)", "exited", ""),
    "reads the answer": (
        "p = os.path.join(os.path.dirname(sys.modules['headway'].__file__), 'blocks', 'attention.py')\nopen(p).read()"
        + END
        + " return right(x, w)",
        "forbidden",
        "headway/blocks/attention.py",
    ),
    "reads the answer by os.open": (
        "p = os.path.join(os.path.dirname(sys.modules['headway'].__file__), 'course', 'path.toml')\n"
        "try: os.open(p, os.O_RDONLY)\nexcept BaseException: pass" + END + " return right(x, w)",
        "forbidden",
        "course/path.toml",
    ),
    "opens the folder of the answers": (
        "p = os.path.join(os.path.dirname(sys.modules['headway'].__file__), 'blocks')\n"
        "fd = os.open(p, os.O_RDONLY)\nos.read(os.open('attention.py', os.O_RDONLY, dir_fd=fd), 9)"
        + END
        + " return right(x, w)",
        "forbidden",
        "where the answers are",
    ),
    "imports the answer": (
        "from headway.blocks.attention import attend" + END + " return right(x, w)",
        "forbidden",
        "line 7",
    ),
    "imports the answer in disguise": (
        "import importlib\nimportlib.import_module('head' + 'way.blocks.attention')" + END + " return right(x, w)",
        "forbidden",
        "headway",
    ),
    "calls what it may not": (
        END + " return (w.softmax(-1)[..., None] * x).sum(-2)",
        "forbidden",
        "line 9 uses softmax",
    ),
    "calls it by another name": (
        "from torch.nn.functional import softmax as s" + END + " return (s(w, -1)[..., None] * x).sum(-2)",
        "forbidden",
        "softmax",
    ),
    "calls it by getattr": (
        END + " return (getattr(torch, 'soft' + 'max')(w, -1)[..., None] * x).sum(-2)",
        "forbidden",
        "calls softmax",
    ),
    "calls it and catches": (
        END + " try: w = getattr(torch, 'soft' + 'max')(w, -1)\n except BaseException: return wrong(x, w)",
        "wrong",
        "",
    ),
    "calls it as an operator": (
        END + " return (torch.ops.aten.softmax.int(w, -1)[..., None] * x).sum(-2)",
        "forbidden",
        "softmax",
    ),
    "calls it in a thread": (
        END + " import threading; out = []; soft = getattr(torch, 'soft' + 'max')\n"
        " t = threading.Thread(target=lambda: out.append(soft(w, -1))); t.start(); t.join()\n"
        " return (out[0][..., None] * x).sum(-2)",
        "raised",
        "IndexError",
    ),
    "calls it where nobody watches": (
        END + " with getattr(torch._C, 'Disable' + 'TorchFunction')():\n"
        "  soft = getattr(torch._C._VariableFunctions, 'soft' + 'max')(w, -1)\n return (soft[..., None] * x).sum(-2)",
        "forbidden",
        "softmax",
    ),
    "calls its kernel": (
        END + " return (getattr(torch, '_soft' + 'max')(w, -1, False)[..., None] * x).sum(-2)",
        "forbidden",
        "softmax",
    ),
    "calls it written in Python": (
        "import importlib\nrefs = importlib.import_module('torch._' + 'refs')"
        + END
        + " return (getattr(refs, 'soft' + 'max')(w, -1)[..., None] * x).sum(-2)",
        "forbidden",
        "softmax",
    ),
    "calls its decomposition": (
        "import importlib\ndecomp = importlib.import_module('torch._' + 'decomp')\n"
        "op = getattr(torch.ops.aten, '_soft' + 'max').default"
        + END
        + " return (decomp.decomposition_table[op](w, -1, False)[..., None] * x).sum(-2)",
        "forbidden",
        "softmax",
    ),
    "hides its calls": (
        END + " with torch._C.DisableTorchFunction(): return right(x, w)",
        "forbidden",
        "DisableTorchFunction",
    ),
    "looks for the answer in the stack": (
        END + " f = sys._getframe()\n while f:\n  for n in ('expected', 'reference', 'trial', 'cases'):\n"
        "   if n in f.f_locals: return f.f_locals[n]\n  f = f.f_back\n return wrong(x, w)",
        "wrong",
        "",
    ),
    "knows a seed": (
        END + " torch.manual_seed(0); return torch.randn(len(x), x.shape[-1], dtype=x.dtype)",
        "wrong",
        "",
    ),
    "right for one size": (END + " return (right if x.shape == (2, 3, 4) else wrong)(x, w)", "wrong", ""),
    "right but for large widths": (END + " return (right if x.shape[-1] < 6 else wrong)(x, w)", "wrong", ""),
    "right but for several rows": (
        END + " r = right(x, w); return r[:1].expand_as(r).clone()",
        "wrong",
        "first place along b",
    ),
    "right for the first calls": (
        "n = [0]" + END + " n[0] += 1; return (right if n[0] < 11 else wrong)(x, w)",
        "mistake",
        "remembers",
    ),
    "remembers by shape": (
        "c = {}" + END + " return c.setdefault((x.shape, x.dtype), right(x, w))",
        "mistake",
        "remembers",
    ),
    "an object that equals everything": (LIAR + END + " return Liar()", "wrong", "a Liar"),
    "a list of liars": (LIAR + END + " return [Liar()]", "wrong", "a list"),
    "a tensor of its own kind": (
        "class T(torch.Tensor): pass" + END + " return wrong(x, w).as_subclass(T)",
        "wrong",
        "a T",
    ),
    "NaN": (END + " return right(x, w) * math.nan", "wrong", "NaN"),
    "one NaN": (END + " r = right(x, w).clone(); r[-1, -1] = math.nan; return r", "wrong", "NaN"),
    "infinity": (END + " return right(x, w) + math.inf", "wrong", ""),
    "another shape": (END + " return right(x, w)[:, None]", "wrong", "axis of length 1"),
    "broadcasts to it": (END + " return right(x, w)[:1]", "wrong", "first 1 along b"),
    "nothing": (END + " right(x, w)", "wrong", "is a `return` missing?"),
    "numpy": (END + " return right(x, w).detach().numpy()", "wrong", "numpy.ndarray"),
    "a string": (END + " return 'right'", "wrong", "a str"),
    "sparse": (END + " return right(x, w).to_sparse()", "wrong", "sparse"),
    "detached": (END + " return right(x, w).detach()", "mistake", "no gradient flows back"),
    "half detached": (END + " return right(x, w.detach())", "mistake", "no gradient reaches `w`"),
    "gradient through numpy": (
        END + " r = right(x, w); return torch.tensor(r.detach().numpy(), requires_grad=True)",
        "mistake",
        "gradient",
    ),
    "doubled gradient": (
        END + " r = right(x, w); return 2 * r - r.detach()",
        "mistake",
        "the gradient of `x` is wrong",
    ),
    "changes its input": (END + " r = right(x, w); x.data.mul_(2); return r", "mistake", "input `x` in place"),
    "restores the values but not the shape": (END + " r = right(x, w); w.data.add_(1e-3); return r", "mistake", "`w`"),
    "float32": (END + " return right(x.float(), w.float())", "mistake", "float32, not float64"),
    "through float32": (END + " return right(x, w.float().to(w.dtype))", "mistake", "7 digits"),
    "always float64": (END + " return right(x.double(), w.double())", "mistake", "float64, not float32"),
    "default dtype changed": (
        END + " torch.set_default_dtype(torch.float64); return right(x, w)",
        "mistake",
        "default dtype",
    ),
    "gradients switched off": (
        END + " r = right(x, w); torch.set_grad_enabled(False); return r",
        "mistake",
        "gradients",
    ),
    "view": (END + " return right(x.view(-1).view(x.shape), w)", "mistake", "contiguous"),
    "random": (END + " return torch.nn.functional.dropout(right(x, w), 0.3)", "mistake", "random"),
    "a little random": (END + " return right(x, w) + 1e-6 * torch.randn(())", "mistake", "random"),
    "a known mistake": (
        END + " return sum(x.unbind(1)) / x.shape[1] + w.sum(-1, keepdim=True) * 0",
        "mistake",
        "rows are averaged",
    ),
    "a factor": (END + " return right(x, w) * x.shape[1] ** 0.5", "mistake", "sqrt(t)"),
    "a sign": (END + " return -right(x, w)", "mistake", "sign"),
    "no such function": ("def mixx(x, w): pass", "missing", "no function `mix`"),
    "no function": ("mix = 5", "missing", "`mix` is no function"),
    "deleted again": (END + " return right(x, w)\ndel mix", "missing", "no function `mix`"),
    "wrong signature": ("def mix(x): return x", "raised", "positional argument"),
    "not written": (END + " raise NotImplementedError", "unfinished", "not written yet"),
    "raises": (END + " return x @ w", "raised", "line 9, `return x @ w`"),
    "raises what cannot be shown": (
        END + " class E(Exception):\n  def __str__(self): raise SystemExit\n raise E",
        "raised",
        "E in line",
    ),
    "raises a judge's word": (END + " raise PermissionError('passed')", "raised", "PermissionError"),
    "raises when loaded": ("1 / 0", "raised", "ZeroDivisionError in line 7"),
    "no such module": ("import nothing_of_the_kind", "raised", "Nothing called 'nothing_of_the_kind'"),
    "keyboard interrupt": (END + " raise KeyboardInterrupt", "exited", ""),
    "generator exit": (END + " raise GeneratorExit", "raised", "GeneratorExit"),
    "asks a question": (END + " input('?'); return right(x, w)", "raised", "EOFError"),
    "an iterator without end": (
        "import itertools" + END + " return itertools.count()",
        "wrong",
        "a list",
    ),
    "a list within itself": (END + " a = []; a.append(a); return a", "raised", ""),
    "a deep list": (END + " a = x\n for _ in range(200): a = [a]\n return a", "garbled", ""),
    "a huge integer": (END + " return 10 ** 100000", "wrong", ""),
}


@pytest.mark.parametrize(("body", "status", "words"), REJECTED.values(), ids=REJECTED)
def test_rejected_for_its_reason(body: str, status: str, words: str, check, tmp_path: Path):
    began = time.monotonic()
    verdict = check(HEAD + body)
    assert not verdict.passed
    # What is wrong may be recognised as well: the sentence, not the status, says why.
    assert verdict.status == status or (status, verdict.status) == ("wrong", "mistake"), verdict.line
    assert words in verdict.line
    assert "\n" not in verdict.line
    assert "\x1b" not in "".join([verdict.line, *verdict.details, *verdict.printed])
    assert time.monotonic() - began < 60
    assert {path.name for path in tmp_path.iterdir()} == {"mix.py"}


WRITERS = {
    "torch.save": "torch.save(x, {path!r})",
    "torch.save to a Path": "import pathlib; torch.save(x, pathlib.Path({path!r}))",
    "the old torch.save": "torch.save(x, {path!r}, _use_new_zipfile_serialization=False)",
    "PyTorchFileWriter": "torch._C.PyTorchFileWriter({path!r})",
    "a script": "torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), {path!r})",
    "a database": "import sqlite3; sqlite3.connect({path!r}).execute('create table t (a)')",
    "a mapped file": "getattr(torch, 'from_' + 'file')({path!r}, shared=True, size=4)",
    "a storage": "getattr(torch.UntypedStorage, 'from_' + 'file')({path!r}, True, 64)",
    "numpy": "import numpy; numpy.arange(3).tofile({path!r})",
    "truncate": "os.truncate({path!r}, 0)",
    "by descriptor": "os.ftruncate(os.open({path!r}, os.O_RDWR), 0)",
    "remove": "os.remove({path!r})",
    "rename": "os.rename({path!r}, {path!r} + '.old')",
    "a profile": "import cProfile; p = cProfile.Profile(); p.enable(); p.disable(); p.dump_stats({path!r})",
}


@pytest.mark.parametrize("call", WRITERS.values(), ids=WRITERS)
def test_no_file_is_changed_by_whatever_way(call: str, check, tmp_path: Path):
    note = tmp_path / "mine.md"
    note.write_text("what I wrote")
    call = call.format(path=str(note))
    verdict = check(HEAD + "CALLED = []" + END + f" try: {call}\n except Exception: pass\n return right(x, w)")
    other = check(HEAD + END + f" {call.replace(str(note), str(tmp_path / 'new'))}\n return right(x, w)")
    assert not other.passed
    assert verdict.status in ("passed", "forbidden"), verdict.line
    assert note.read_text() == "what I wrote"
    assert {path.name for path in tmp_path.iterdir()} == {"mix.py", "mine.md"}


READERS = {
    "open": "got = open(path, 'rb').read()",
    "os.open": "got = os.read(os.open(path, os.O_RDONLY), 999)",
    "below an opened folder": "got = os.read(os.open(name, os.O_RDONLY, dir_fd=os.open(folder, os.O_RDONLY)), 999)",
    "from where it lies": "os.chdir(folder); got = open(name).read()",
    "by another way there": "got = open('/proc/self/root' + path).read()",
    "a mapped file": "got = bytes(getattr(torch, 'from_' + 'file')(path, size=64, dtype=torch.uint8).tolist())",
    "a storage": "got = bytes(getattr(torch.UntypedStorage, 'from_' + 'file')(path, False, 64).tolist())",
    "torch's reader": "got = torch._C.PyTorchFileReader(path)",
    "a link": "os.symlink(path, link); got = open(link).read()",
    "a hard link": "os.link(path, link); got = open(link).read()",
    "numpy": "import numpy; got = numpy.fromfile(path, dtype='u1').tobytes()",
    "a program run": "import runpy; got = list(runpy.run_path(path))",
    "source lines": "import linecache; got = linecache.getlines(path)",
    "the judge's memory": "got = open('/proc/%d/mem' % os.getppid(), 'rb').read(1)",
    "its modules": "got = [m for m in sys.modules if m.startswith('headway_exercise') or m.endswith('.cases.py')]",
    "another program": "import _posixsubprocess as p; got = p.fork_exec([b'cat', path.encode()], [b'/bin/cat'], True, (), None,"
    " None, -1, -1, -1, -1, -1, -1, *os.pipe(), False, False, -1, None, None, None, -1, None, False) and None",
}


@pytest.mark.skipif(landlock_version() == 0, reason="without Landlock nothing holds what C code reads")
@pytest.mark.parametrize("call", READERS.values(), ids=READERS)
def test_the_answers_cannot_be_read_by_whatever_way(call: str, check, exercise: Exercise, tmp_path: Path):
    """What is read is printed, and so would be seen in the verdict."""
    theirs = PACKAGE / "course" / "exercises" / "attention" / "sdpa" / "solutions.py"
    for path in (exercise.folder / "cases.py", theirs):
        names = (str(path), str(path.parent), path.name, str(tmp_path / "link"))
        verdict = check(
            f"{HEAD}{END} path, folder, name, link = {names!r}\n got = None\n try: {call}\n"
            " except Exception: pass\n if got: print('GOT', got)\n return right(x, w)"
        )
        assert verdict.status in ("passed", "forbidden"), verdict.line
        assert not any("GOT" in line or "ENTRIES" in line for line in verdict.printed), verdict.printed
        assert {path.name for path in tmp_path.iterdir()} == {"mix.py"}


UNREADABLE = {
    "syntax": (HEAD + "def mix(x, w:\n pass", "line 7 is not Python"),
    "indentation": (HEAD + "def mix(x, w):\npass", "line 8 is not Python"),
    "python 2": (HEAD + "print 'x'", "line 7 is not Python"),
    "NUL": ("x = 1\0", "null bytes"),
    "Latin-1": (b"# caf\xe9\n", "not UTF-8"),
    "parentheses": ("x = " + "(" * 5000 + ")" * 5000, "not Python"),
    "binary": (bytes(range(256)), "not UTF-8"),
}


@pytest.mark.parametrize(("source", "words"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_python_is_told_by_its_line(source: str | bytes, words: str, check):
    verdict = check(source)
    assert verdict.status == "syntax"
    assert words in verdict.line
    assert len(verdict.line) < 300


ACCEPTED = {
    "plain": END + " return right(x, w)",
    "prints": END + " print('hello', flush=True); return right(x, w)",
    "prints what is no text": END + " print('\\udc80\\x00'); sys.stdout.buffer.write(b'\\xff'); return right(x, w)",
    "writes to nowhere": END + " open(os.devnull, 'w').write('x'); return right(x, w)",
    "one thread": "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()"
    + END
    + " return right(x, w)",
    "a thread left running": "import threading, time\nthreading.Thread(target=time.sleep, args=(999,)).start()"
    + END
    + " return right(x, w)",
    "an atexit": "import atexit\natexit.register(print, 'bye')" + END + " return right(x, w)",
    "a dataclass": "from dataclasses import dataclass\n@dataclass\nclass A:\n x: int = 1" + END + " return right(x, w)",
    "a parameter": END + " return right(x, w) + torch.nn.Parameter(torch.zeros((), dtype=x.dtype))",
    "a callable object": "class M:\n def __call__(self, x, w): return right(x, w)\nmix = M()",
    "a module": "class M(torch.nn.Module):\n def forward(self, x, w): return right(x, w)\nmix = M()",
    "a partial": "import functools\nmix = functools.partial(right)",
    "own softmax": "def softmax(w): return w.exp() / w.exp().sum(-1, keepdim=True)"
    + END
    + " return (softmax(w)[..., None] * x).sum(-2)",
    "other names": "def mix(values, logits): return right(values, logits)",
    "defaults": "def mix(x, w, verbose=False, *rest): return right(x, w)",
    "warnings": "import warnings" + END + " warnings.warn('careful'); return right(x, w)",
    "its own seed": END + " torch.manual_seed(3); return right(x, w)",
    "a custom backward": "class F(torch.autograd.Function):\n @staticmethod\n def forward(ctx, x): return x.clone()\n"
    " @staticmethod\n def backward(ctx, g): return g\n" + END + " return F.apply(right(x, w))",
    "main": END + " return right(x, w)\nif __name__ == '__main__':\n sys.exit(1)",
}


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_right_is_accepted(body: str, check):
    verdict = check(HEAD + body)
    assert verdict.passed, "\n".join([verdict.line, *verdict.details])


@pytest.mark.parametrize("wrap", [b"\xef\xbb\xbf%s", b"%s\r\n"], ids=["byte order mark", "trailing CRLF"])
def test_files_of_other_editors(wrap: bytes, check):
    source = (HEAD + END + " return right(x, w)").encode()
    assert check(wrap % source.replace(b"\n", b"\r\n")).passed
    assert check(b"from __future__ import annotations\n" + source).passed


def test_the_same_seed_brings_the_same_input_back(check):
    source = HEAD + END + " return wrong(x, w)"
    one, two, other = check(source, 5), check(source, 5), check(source, 6)
    assert one.details == two.details
    assert one.details != other.details


def test_seeds_are_fresh(check):
    assert len({check(HEAD + END + " return right(x, w)").seed for _ in range(3)}) == 3


def test_a_neighbour_can_be_imported_but_shadows_nothing(check, tmp_path: Path):
    (tmp_path / "helper.py").write_text("from random import random\nvalue = 1.0\n")
    (tmp_path / "random.py").write_text("raise SystemExit\n")
    assert check(HEAD + "import helper" + END + " return right(x, w) * helper.value").passed


def test_a_remark_is_made_on_a_passing_file(check):
    verdict = check(HEAD + END + " return right(x, w - w.logsumexp(-1, keepdim=True))")
    assert verdict.passed
    assert verdict.notes == ("logsumexp is a fine thing",)


def test_what_is_printed_is_kept_and_bounded(check):
    verdict = check(HEAD + "print('A' * 100000)\nprint('\\x1b[31mred')" + END + " return right(x, w)")
    assert verdict.passed
    assert verdict.printed_bytes > 100000
    assert all(len(line) <= 200 for line in verdict.printed)


def test_nothing_is_left_running(check, judge: Judge):
    """A process that escapes into a session of its own is found and ended all the same."""
    source = HEAD + (
        "import _posixsubprocess" + END + " r, s = os.pipe(); e, f = os.pipe()\n"
        " _posixsubprocess.fork_exec([b'sleep', b'987'], [b'/bin/sleep'], True, (), None, None, -1, -1, -1, -1, -1, -1, "
        "e, f, False, True, 0, None, None, None, -1, None, False)\n return right(x, w)"
    )
    check(source)
    if not os.path.isdir("/proc/self"):
        pytest.skip("processes can be listed on Linux only")
    assert not any(b"sleep\x00987" in _command(pid) for pid in os.listdir("/proc") if pid.isdigit())


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_the_judge_goes_on_after_the_worst(check):
    check(HEAD + END + " os._exit(1)")
    check(HEAD + END + " while True: pass")
    assert check(HEAD + END + " return right(x, w)").passed


def test_a_judge_that_was_killed_says_so_and_starts_again(exercise: Exercise, tmp_path: Path):
    from headway.base.errors import HeadwayError

    path = tmp_path / "mix.py"
    path.write_text(HEAD + END + " return right(x, w)")
    with Judge() as judge:
        assert judge.check(exercise, path).passed
        assert judge._process is not None
        judge._process.kill()
        judge._process.wait()
        assert judge.check(exercise, path).passed
        judge._process.kill()
        judge._process.wait()
        with pytest.raises(HeadwayError, match="headway doctor"):
            judge._exchange(CheckRequest("toy/mix", "", "", 0))


def test_a_missing_file_is_told(judge: Judge, exercise: Exercise, tmp_path: Path):
    verdict = judge.check(exercise, tmp_path / "nothing.py")
    assert verdict.status == "missing"
    assert "cannot be read" in verdict.line


def test_without_the_kernel_python_still_refuses_and_says_so(
    exercise: Exercise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Where there is no Landlock the audit hook stands alone, and PyTorch's writers are refused by name."""
    monkeypatch.setenv("HEADWAY_LANDLOCK", "0")
    note, path = tmp_path / "mine.md", tmp_path / "mix.py"
    note.write_text("what I wrote")
    answers = exercise.folder / "cases.py"
    tries = {
        f"open({str(note)!r}, 'w')": "may read files but not write them",
        f"torch.save(x, {str(note)!r})": "may read files but not write them",
        f"torch._C.PyTorchFileWriter({str(note)!r})": "may read files but not write them",
        f"import sqlite3; sqlite3.connect({str(note)!r})": "may not change files",
        f"open({str(answers)!r}).read()": "where the answers are",
        f"os.read(os.open('cases.py', os.O_RDONLY, dir_fd=os.open({str(answers.parent)!r}, os.O_RDONLY)), 9)": "",
        f"os.chdir({str(answers.parent)!r}); open('cases.py').read()": "where the answers are",
    }
    with Judge() as judge:
        for call, words in tries.items():
            path.write_text(f"{HEAD}{END} {call}\n return right(x, w)")
            verdict = judge.check(exercise, path)
            assert verdict.status == "forbidden", (call, verdict.line)
            assert words in verdict.line
            assert note.read_text() == "what I wrote"
        path.write_text(f"{HEAD}{END} return right(x, w)")
        assert judge.check(exercise, path).passed


def test_a_learners_module_shadows_nothing_in_the_judge(exercise: Exercise, tmp_path: Path):
    """The judge is started in whatever folder: a `random.py` or a `headway` there is not found in place of ours."""
    for name in ("random.py", "json.py", "torch.py", "headway.py"):
        (tmp_path / name).write_text("raise SystemExit('shadowed')\n")
    (tmp_path / "mix.py").write_text(f"{HEAD}{END} return right(x, w)")
    program = (
        "import sys; from pathlib import Path; from headway.learn.exercise import Exercise;"
        "from headway.learn.judge import judge; print(judge(Exercise('toy/mix', Path(sys.argv[1])), sys.argv[2]).status)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, str(exercise.folder), "mix.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.strip() == "passed", done.stderr
