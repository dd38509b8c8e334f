"""The axes of the laws: see `support.numerics`."""

from __future__ import annotations

import contextlib

import pytest
import torch
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


def pytest_collection_modifyitems(items):
    """cuDNN would have a recurrent layer's weights side by side in memory; ours are parameters of their own."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:RNN module weights are not part of:UserWarning"))


@pytest.fixture(autouse=True, scope="session")
def _float32_is_float32():
    """On a GPU, PyTorch lets cuDNN's recurrent kernels multiply in TF32, of 10 bits, in a float32 model: not here."""
    torch.backends.cudnn.allow_tf32 = False


@pytest.fixture(autouse=True)
def _kernels(request):
    """Without the compiled kernels where a law's `numerics` say so."""
    numerics = getattr(getattr(request.node, "callspec", None), "params", {}).get("numerics")
    with without_kernels() if numerics is not None and not numerics.kernels else contextlib.nullcontext():
        yield
