"""One warm judge for all tests of the course."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headway.learn.judge import Judge

collect_ignore = ["answers"]  # files for the judge, read by test_answers.py


@pytest.fixture(scope="session")
def warm_judge() -> Iterator[Judge]:
    with Judge() as judge:
        yield judge
