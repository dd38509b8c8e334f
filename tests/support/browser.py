"""Chromium, as the tests of pages use it."""

from __future__ import annotations

import re
import shutil

import pytest

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

IN_CHROMIUM = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.filterwarnings("ignore"),
]
"""What a file of such tests has as its `pytestmark`."""

HERE = re.compile(r"(http|ws)://(127\.0\.0\.1|localhost)[:/]|data:|blob:")
"""The beginning of an address of this machine."""

LONG = 120_000
"""Milliseconds. Nothing here is timed: a busy machine takes as long as it takes."""
