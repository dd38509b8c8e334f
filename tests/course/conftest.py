"""One warm judge for all tests of the course."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headway.learn.judge import Judge


@pytest.fixture(scope="session")
def warm_judge() -> Iterator[Judge]:
    with Judge() as judge:
        yield judge
