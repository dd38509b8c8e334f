"""The axes of the laws: see `support.numerics`."""

from __future__ import annotations

import contextlib

import pytest
from support.numerics import cases

from headway.blocks.native import without_kernels


def pytest_generate_tests(metafunc):
    """A law that takes `numerics` runs over the `CONFIGURATIONS` of its class (or of its module), along every axis."""
    if "numerics" in metafunc.fixturenames:
        where = metafunc.cls if hasattr(metafunc.cls, "CONFIGURATIONS") else metafunc.module
        metafunc.parametrize(("name", "n", "numerics"), cases(metafunc.function.__name__, where.CONFIGURATIONS))
    elif {"name", "n"} <= set(metafunc.fixturenames) and hasattr(metafunc.cls, "CONFIGURATIONS"):
        ids = [f"{name}-{n}" for name, n in metafunc.cls.CONFIGURATIONS]
        metafunc.parametrize(("name", "n"), metafunc.cls.CONFIGURATIONS, ids=ids)


@pytest.fixture(autouse=True)
def _kernels(request):
    """Without the compiled kernels where a law's `numerics` say so."""
    numerics = getattr(getattr(request.node, "callspec", None), "params", {}).get("numerics")
    with without_kernels() if numerics is not None and not numerics.kernels else contextlib.nullcontext():
        yield
