"""The Hugging Face hub's own client, held to the limits of ours: a hub that sends a byte now and then is given up on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from headway.base.http import Clock, Limits, TooSlow

FILES = Limits(whole=None)
"""As for our own downloads: 1,000 bytes a second, averaged over 30 seconds."""


def watch(limits: Limits = FILES) -> None:
    """Let every body that `huggingface_hub` receives from here on come at `limits.slowest` or faster.

    Its own timeouts (HF_HUB_DOWNLOAD_TIMEOUT, HF_HUB_ETAG_TIMEOUT) are for one read, and a byte ends a read: with a byte
    every nine seconds they never end. Two things are left to them: the headers of an answer, and what comes through Xet,
    which is not HTTP of this client.

    Raises (where bytes are read):
        TooSlow: they came more slowly.
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils._http import default_client_factory

    def watched() -> Any:
        client = default_client_factory()
        hooks = client.event_hooks
        client.event_hooks = {**hooks, "response": [*hooks.get("response", ()), _clocked(limits)]}
        return client

    set_client_factory(watched)


def _clocked(limits: Limits) -> Callable[[Any], None]:
    """What is called with each answer when its headers are there: it puts a clock on the body."""

    def hook(response: Any) -> None:
        inner, address = response.stream, str(response.request.url)
        # The client insists on its own kind of stream; which library that is from depends on the hub's version.
        kind = next(base for base in type(inner).__mro__ if base.__name__ == "SyncByteStream")

        class Watched(kind):
            def __iter__(self) -> Iterator[bytes]:
                clock = Clock(limits)
                for chunk in inner:
                    try:
                        clock.came(len(chunk))
                    except TimeoutError as error:
                        raise TooSlow(address, str(error)) from None
                    yield chunk

            def close(self) -> None:
                inner.close()

        response.stream = Watched()

    return hook
