"""Every test sees the same machine: quiet, and with a cache and a home of its own where it asks for one."""

from __future__ import annotations

import io
import os
import signal
import sys
import zlib

import pytest

# Tests run in several processes on few cores: one thread each is the fastest together.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["HF_HUB_OFFLINE"] = os.environ.get("HF_HUB_OFFLINE", "1")

from hypothesis import settings

# A suite started in the background of a shell is born deaf to Ctrl-C, and so would be every command it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A build tries the same examples on every machine, so that it fails for what changed; `make explore` draws new ones.
settings.register_profile("build", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "build"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With HEADWAY_TEST_ALL=1 a test fails, and is not skipped, where something is missing that can be fetched or installed."""
    report = yield
    if report.skipped and os.environ.get("HEADWAY_TEST_ALL") == "1" and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        if "headway fetch" in reason or "install" in reason or "Chromium" in reason:
            report.outcome, report.longrepr = "failed", f"skipped although everything was to run: {reason}"
    return report


def pytest_addoption(parser):
    parser.addoption("--device", default="cpu", help="where the laws run: cpu, or cuda where there is one")


def pytest_configure(config):
    if config.getoption("--device") != "cpu":
        import torch
        from support import numerics

        numerics.DEVICE = torch.device(config.getoption("--device"))
        # PyTorch lets cuDNN's recurrent layers multiply with 10 bits of mantissa (TF32) unless told otherwise: a hundred times
        # what float32 rounds, and no law of ours.
        torch.backends.cudnn.allow_tf32 = False


SAMPLED = {"test_look.py": 9, "test_diagram.py": 5, "look": 8}
"""Part of the name of a file (the first that fits) -> how many of each parametrised test of it a build runs, those whose ids have
the smallest CRC-32: the same on every machine. The others are `slow`: there is one for every configuration, and a
build that ran them all would take as long as with all other tests together."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    groups = {}
    for item in items:
        most = next((n for part, n in SAMPLED.items() if part in item.path.name), None)
        if most is not None and hasattr(item, "callspec"):
            groups.setdefault((item.path, item.originalname, item.cls), (most, []))[1].append(item)
    for most, group in groups.values():
        for item in sorted(group, key=lambda item: zlib.crc32(item.nodeid.encode()))[most:]:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def say(monkeypatch, capfd, tmp_path):
    """Run a command in this process, in an empty folder: (exit code, standard output, standard error)."""
    from headway.cli.app import main

    monkeypatch.chdir(tmp_path)

    def run(*words, given: bytes = b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        return code, out, err

    return run
