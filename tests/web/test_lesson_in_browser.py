"""The attention lesson in a real browser: it draws, a control changes what is drawn, and only this machine is asked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time

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


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """`headway read attention`, as a person starts it, without the browser."""
    process = subprocess.Popen(
        [sys.executable, "-m", "headway", "read", "attention", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found
        yield found[0]
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.filterwarnings("ignore")
def test_the_lesson_is_live_and_offline(address):
    from playwright.sync_api import sync_playwright

    outside: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1000, "height": 1200})

        def seen(request) -> None:
            if not re.match(r"(http|ws)://(127\.0\.0\.1|localhost)[:/]|data:|blob:", request.url):
                outside.append(request.url)

        page.on("request", seen)
        _reach(page, address)
        page.get_by_text("Scores spread by").wait_for(timeout=90_000)
        before = page.get_by_text("Scores spread by").inner_text()
        page.get_by_role("switch").first.click()
        page.wait_for_function(
            "before => [...document.querySelectorAll('p, span')].some(e => e.innerText?.startsWith('Scores spread by')"
            " && e.innerText !== before)",
            arg=before,
            timeout=60_000,
        )
        after = page.get_by_text("Scores spread by").inner_text()
        browser.close()
    spread = [float(re.search(r"spread by (\d+\.\d+)", text)[1]) for text in (before, after)]
    assert spread[0] > 7
    assert abs(spread[1] - 1) < 0.1, "divided by its root, the spread is 1"
    assert not outside


def _reach(page, address: str) -> None:
    """Open the page, once the server answers."""
    for _ in range(60):
        try:
            page.goto(address)
        except Exception:
            time.sleep(0.5)
        else:
            return
    raise AssertionError(f"nothing answers at {address}")
