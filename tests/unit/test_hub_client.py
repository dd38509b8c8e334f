"""The Hugging Face hub's own client under our limits: a hub that sends a byte now and then is given up on."""

from __future__ import annotations

import json

import huggingface_hub
import pytest
from huggingface_hub import constants
from huggingface_hub.utils._http import default_client_factory
from support.hub import Hub

from headway.base import hub as hub_client
from headway.base.http import Limits, TooSlow


@pytest.fixture
def org(tmp_path, monkeypatch):
    """A hub with one repository, asked through a watched client that soon loses patience."""
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"a": 1}))
    (folder / "large.bin").write_bytes(bytes(300_000))
    double = Hub({"org/toy": folder})
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    hub_client.watch(Limits(whole=None, window=0.5, slowest=1000.0))
    yield double
    huggingface_hub.set_client_factory(default_client_factory)
    double.shutdown()
    double.server_close()


def fetch(double: Hub, cache, name: str):
    return huggingface_hub.hf_hub_download("org/toy", name, endpoint=double.url, cache_dir=cache)


def test_what_comes_in_time_comes_whole(org, tmp_path):
    with open(fetch(org, tmp_path / "cache", "large.bin"), "rb") as file:
        assert file.read() == bytes(300_000)


def test_a_body_that_drips_is_given_up_on(org, tmp_path):
    """50 bytes a second, each within every timeout of the client's own: it would take a year."""
    org.dripping = "config.json"
    with pytest.raises(TooSlow, match="bytes in"):
        fetch(org, tmp_path / "cache", "config.json")
    assert sum(asked.startswith("GET /org/toy/resolve") for asked in org.asked) == 1


def test_a_name_says_that_the_hub_is_slow(org, tmp_path, monkeypatch):
    """In the one line that `headway run org/toy` ends with."""
    from headway import zoo
    from headway.base.errors import HeadwayError

    def slow(*_, **__):
        raise TooSlow(f"{org.url}/org/toy/resolve/main/config.json", "30 bytes in 30 s")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", slow)
    with pytest.raises(HeadwayError, match=r"the hub sends too slowly \(30 bytes in 30 s\)"):
        zoo.find("org/toy", progress=False)
