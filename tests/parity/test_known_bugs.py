"""Bugs that public implementations really had, put back in one at a time: the suite has to notice each."""

from __future__ import annotations

import importlib

import pytest

from headway.base.errors import HeadwayError

BUGS = []
for name in ("decoder", "recurrent", "encoder"):
    try:
        BUGS += importlib.import_module(f"support.bugs_{name}").BUGS
    except ModuleNotFoundError as missing:
        if missing.name != f"support.bugs_{name}":
            raise


@pytest.mark.parametrize("bug", BUGS, ids=[bug[0] for bug in BUGS])
def test_the_suite_notices(bug, monkeypatch):
    _name, _where, patch, check = bug
    check()
    patch(monkeypatch)
    # An assertion, or a loader that refuses; any other error would be a patch that fits the code no longer.
    with pytest.raises((AssertionError, HeadwayError)):
        check()


def test_there_are_many():
    assert len(BUGS) >= 20
    assert len({bug[0] for bug in BUGS}) == len(BUGS)
