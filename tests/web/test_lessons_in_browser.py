"""Every lesson in a real browser, wide and narrow, light and dark: no error, nothing asked of another machine, no page wider than
the screen, and no figure that changes its height when a control is moved.

The normal run opens two lessons, ``-m slow`` all of them in all four looks. HEADWAY_SCREENSHOTS=DIR keeps the pages.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.browser import HERE, IN_CHROMIUM, LONG
from support.lessons import reading

from headway.learn.path import the_path

pytestmark = IN_CHROMIUM
LESSONS = [topic.id for topic in the_path().topics.values() if topic.lesson_file]
QUIET = "() => !document.querySelector('[data-testid=loading-indicator]')"
"""The hourglass is gone from the page's tree: no cell waits or runs."""

FIGURES = """() => {
  const found = [];
  const walk = (root, cell) => {
    for (const element of root.children ?? []) {
      const own = element.dataset?.cellId ?? cell;
      const tall = element.getBoundingClientRect().height;
      if (element.classList.contains('hw')) {
        found.push([own, 'picture', Math.round(tall)]);
        continue;
      }
      if (['IMG', 'CANVAS', 'svg'].includes(element.tagName) && tall > 60) found.push([own, element.tagName, Math.round(tall)]);
      walk(element, own);
      if (element.shadowRoot) walk(element.shadowRoot, own);
    }
  };
  walk(document.body, '');
  return found;
}"""
"""Every figure, with its cell and its height in pixels; icons are smaller. A picture of ours (`hw`) is one figure: inside it
a matrix may well have other rows for another layer, and what it does inside is held by test_look_live.py."""

WIDEST = """() => {
  const wide = document.documentElement.clientWidth;
  const scrolls = document.documentElement.scrollWidth > wide || document.getElementById('App')?.scrollWidth > wide;
  return scrolls ? Math.max(...[...document.querySelectorAll('*')].map(e => e.getBoundingClientRect().right)) : 0;
}"""

# Watches, frame by frame, the least height that the cells with figures have, from now on.
WATCH = """cells => {
  window.least = {};
  const look = () => {
    for (const cell of cells) {
      const tall = document.getElementById('cell-' + cell)?.getBoundingClientRect().height ?? 0;
      window.least[cell] = Math.min(window.least[cell] ?? Infinity, tall);
    }
    window.watching = requestAnimationFrame(look);
  };
  cancelAnimationFrame(window.watching);
  look();
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """The server of all lessons, with every prediction made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADWAY_REVEAL", "1")
        with reading(None, tmp_path_factory.mktemp("elsewhere")) as (_, found):
            yield found[0]


class Page:
    """A page of the server in one look, with what it asked of other machines and what its console called an error."""

    def __init__(self, browser, address: str, path: str, width: int, scheme: str) -> None:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page = context.new_page()
        self.outside: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda asked: self.outside.append(asked.url) if not HERE.match(asked.url) else None)
        self.page.on("websocket", lambda asked: self.outside.append(asked.url) if not HERE.match(asked.url) else None)
        self.page.on("console", lambda told: self.errors.append(told.text) if told.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        base, _, token = address.partition("?")
        self.page.goto(f"{base}{path}?{token}", timeout=LONG)

    def settle(self) -> None:
        self.page.wait_for_timeout(200)
        self.page.wait_for_function(QUIET, timeout=LONG)

    def close(self) -> None:
        self.page.context.close()


def moves(page) -> Iterator[str]:
    """Move every control once: sliders a step, switches over, lists to the next entry; gives the name of each after it."""
    for role in ("slider", "switch", "checkbox"):
        for n in range(page.get_by_role(role).count()):
            control = page.get_by_role(role).nth(n)
            if not control.is_visible() or not control.is_enabled():
                continue
            control.scroll_into_view_if_needed()
            if role == "slider":
                at_the_end = control.get_attribute("aria-valuenow") == control.get_attribute("aria-valuemax")
                control.press("ArrowLeft" if at_the_end else "ArrowRight")
            else:
                control.click()
            yield f"{role} {n}"
    for n in range(page.locator("select").count()):
        control = page.locator("select").nth(n)
        if control.is_visible() and control.is_enabled():
            count = control.locator("option").count()
            now = control.evaluate("list => list.selectedIndex")
            control.select_option(index=(now + 1) % count)
            yield f"list {n}"


def hold(browser, address: str, topic: str, width: int, scheme: str) -> None:
    """All that is held of a lesson in one look."""
    it = Page(browser, address, f"{topic}/", width, scheme)
    page = it.page
    page.get_by_role("heading", name="What follows").wait_for(timeout=LONG)
    it.settle()
    page.wait_for_timeout(1500)
    it.settle()
    if folder := os.environ.get("HEADWAY_SCREENSHOTS"):
        size = page.evaluate("Math.max(...[...document.querySelectorAll('*')].map(e => e.scrollHeight))")
        page.set_viewport_size({"width": width, "height": min(int(size) + 50, 12_000)})
        page.wait_for_timeout(500)
        page.screenshot(path=Path(folder) / f"{topic}-{width}-{scheme}.png", full_page=True)
        page.set_viewport_size({"width": width, "height": 900})
    text = page.locator("body").inner_text()
    assert not page.locator(".marimo-error, [data-testid='marimo-error']").count(), text
    assert "Traceback" not in text
    assert "raised an exception" not in text
    assert not page.get_by_text("marimo.io").count()
    assert not page.evaluate(WIDEST), f"{topic} scrolls sideways at {width}"
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", dark)[:3])) < 200) == (scheme == "dark"), dark

    before = page.evaluate(FIGURES)
    cells = sorted({cell for cell, _, _ in before if cell})
    tallest = {cell: max(tall for own, _, tall in before if own == cell) for cell in cells}
    moved = 0
    page.evaluate(WATCH, cells)
    for name in moves(page):
        it.settle()
        moved += 1
        assert page.evaluate(FIGURES) == before, f"{topic}: {name} changes a figure's height at {width}"
        least = page.evaluate("window.least")
        assert all(least[cell] >= tallest[cell] - 1 for cell in cells), (
            f"{topic}: {name} makes a figure jump at {width}"
        )
    assert moved, text
    assert not page.evaluate(WIDEST), f"{topic} scrolls sideways at {width} once its controls are moved"
    assert not it.errors, it.errors
    assert not it.outside
    it.close()


@pytest.mark.parametrize("topic", ["attention", "layer-norm"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_lesson_holds_still_and_fits(browser, address, topic, width, scheme):
    hold(browser, address, topic, width, scheme)


@pytest.mark.slow
@pytest.mark.parametrize("topic", LESSONS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_lesson_holds_still_and_fits(browser, address, topic, width, scheme):
    hold(browser, address, topic, width, scheme)


@pytest.mark.parametrize("path", ["", "glossary"])
@pytest.mark.parametrize("width", [1280, 390])
def test_our_own_pages_fit(browser, address, path, width):
    it = Page(browser, address, path, width, "dark")
    assert it.page.locator("h1").count() == 1
    assert not it.page.evaluate(WIDEST)
    for link in it.page.locator("a[href^='#']").all()[:20]:
        assert it.page.locator(link.get_attribute("href")).count() == 1
    assert not it.errors
    assert not it.outside
    it.close()


def test_a_term_explains_itself_to_the_keyboard_and_the_way_leads_on(browser, address):
    it = Page(browser, address, "layer-norm/", 390, "light")
    word = it.page.locator(".hw-term").first
    word.wait_for(timeout=LONG)
    means = word.locator(".hw-means")
    assert not means.is_visible()
    word.focus()
    assert means.is_visible()
    box = means.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    it.page.get_by_role("link", name="All lessons").first.click()
    it.page.wait_for_url(re.compile(r"//[^/]+/$"), timeout=LONG)
    it.page.locator("a[href='/attention/']").click()
    it.page.get_by_role("heading", name="Attention").first.wait_for(timeout=LONG)
    it.close()


def test_a_prediction_hides_the_figure_until_it_is_made_and_is_remembered(browser, tmp_path, monkeypatch):
    import subprocess
    import sys

    from headway.learn.evidence import read
    from headway.learn.workspace import Workspace

    monkeypatch.delenv("HEADWAY_WORKSPACE", raising=False)
    monkeypatch.delenv("HEADWAY_REVEAL", raising=False)
    subprocess.run([sys.executable, "-m", "headway", "start", "--into", "ws", "--quiet"], cwd=tmp_path, check=True)
    workspace = Workspace(tmp_path / "ws")

    def logged() -> list[tuple[str, str]]:
        return [(piece.name, piece.facts["given"]) for piece in read(workspace) if piece.kind == "prediction"]

    with reading(None, workspace.root) as (_, found):
        it = Page(browser, found[0], "layer-norm/", 1000, "light")
        waiting = it.page.get_by_text("The figure comes when")
        it.page.get_by_role("heading", name="What follows").wait_for(timeout=LONG)  # the last cell is there
        it.settle()
        hidden = waiting.count()
        choice = it.page.get_by_role("radio", name="it grows sixfold in both")
        choice.focus()
        it.page.keyboard.press("Space")
        it.settle()
        assert waiting.count() == hidden, "choosing is not yet saying"
        # The button that stands next below the choice belongs to it.
        below = choice.bounding_box()["y"]
        buttons = it.page.get_by_role("button", name="That is my prediction").all()
        min((b for b in buttons if b.bounding_box()["y"] > below), key=lambda b: b.bounding_box()["y"]).click()
        it.page.get_by_text("Not quite.").first.wait_for(timeout=LONG)
        it.settle()
        assert waiting.count() == hidden - 1
        assert logged() == [("layer-norm/deeper", "it grows sixfold in both")]
        it.close()
        again = Page(browser, found[0], "layer-norm/", 1000, "light")
        again.page.get_by_text("Not quite.").first.wait_for(timeout=LONG)
        again.page.get_by_role("heading", name="What follows").wait_for(timeout=LONG)
        again.settle()
        assert again.page.get_by_text("The figure comes when").count() == hidden - 1
        assert len(logged()) == 1
        again.close()
        contents = Page(browser, found[0], "", 1000, "light")
        assert "1 of 3 predictions made" in contents.page.locator("body").inner_text()
        contents.close()
