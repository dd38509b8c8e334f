"""The attention lesson in a real browser: it draws, a control changes what is drawn, and only this machine is asked."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

import pytest
from support.lessons import reading

from headway.learn.path import the_path

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

HERE = re.compile(r"(http|ws)://(127\.0\.0\.1|localhost)[:/]|data:|blob:")
LESSONS = [topic.id for topic in the_path().topics.values() if topic.lesson_file]
QUIET = "() => !document.querySelector('[data-testid=loading-indicator]')"
"""The hourglass is gone: no cell waits or runs."""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with reading("attention", tmp_path_factory.mktemp("elsewhere")) as (_, found):
        yield found[0]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.filterwarnings("ignore")
def test_the_lesson_is_live_and_offline(address):
    from playwright.sync_api import sync_playwright

    outside: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1000, "height": 1200})

        def seen(request) -> None:
            if not HERE.match(request.url):
                outside.append(request.url)

        page.on("request", seen)
        _reach(page, address)
        page.get_by_text("Scores spread by").wait_for(timeout=600_000)
        before = page.get_by_text("Scores spread by").inner_text()
        page.get_by_role("switch").first.click()
        page.wait_for_function(
            "before => [...document.querySelectorAll('p, span')].some(e => e.innerText?.startsWith('Scores spread by')"
            " && e.innerText !== before)",
            arg=before,
            timeout=600_000,
        )
        after = page.get_by_text("Scores spread by").inner_text()
        browser.close()
    spread = [float(re.search(r"spread by (\d+\.\d+)", text)[1]) for text in (before, after)]
    assert spread[0] > 7
    assert abs(spread[1] - 1) < 0.1, "divided by its root, the spread is 1"
    assert not outside


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("topic", LESSONS)
def test_every_lesson_draws_without_an_error(topic, tmp_path):
    """Every cell runs to its end in the browser, and no cell shows an error. HEADWAY_SCREENSHOTS=DIR keeps the pages."""
    from playwright.sync_api import sync_playwright

    outside: list[str] = []
    with reading(topic, tmp_path) as (_, found), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1000, "height": 1200})
        page.on("request", lambda request: outside.append(request.url) if not HERE.match(request.url) else None)
        _reach(page, found[0])
        page.get_by_role("heading", name="What follows").wait_for(timeout=600_000)
        page.wait_for_function(QUIET, timeout=600_000)
        page.wait_for_timeout(2000)
        page.wait_for_function(QUIET, timeout=600_000)
        text = page.locator("body").inner_text()
        if folder := os.environ.get("HEADWAY_SCREENSHOTS"):
            size = page.evaluate("Math.max(...[...document.querySelectorAll('*')].map(e => e.scrollHeight))")
            page.set_viewport_size({"width": 1000, "height": min(int(size) + 50, 12_000)})
            page.wait_for_timeout(500)
            page.screenshot(path=Path(folder) / f"{topic}.png", full_page=True)
        wrong = page.locator(".marimo-error, [data-testid='marimo-error']").count()
        drawn = page.locator("img[src^='data:image'], img[src*='@file'], table, marimo-slider, marimo-dropdown").count()
        browser.close()
    assert not wrong, text
    assert drawn >= 2, text
    assert "Traceback" not in text
    assert "raised an exception" not in text
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
