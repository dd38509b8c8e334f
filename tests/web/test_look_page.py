"""The live page of `headway look --open` in a real browser: what is changed in it is what is drawn, and an error is told where it
is seen. `test_lesson_server.py` attacks its gate."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.browser import HERE, IN_CHROMIUM, LONG
from support.lessons import looking

pytestmark = IN_CHROMIUM


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    subprocess.run([sys.executable, "-m", "headway", "start", "--into", folder, "--quiet"], check=True)
    with looking(folder, "shakespeare-char", "To be, or not", "--off", "1.0") as (_, found):
        yield found


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_what_is_changed_is_drawn_and_what_is_wrong_is_told(browser, address, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, wrong = context.new_page(), []
    page.set_default_timeout(LONG)
    page.on("request", lambda asked: wrong.append(asked.url) if not HERE.match(asked.url) else None)
    page.on("websocket", lambda asked: wrong.append(asked.url) if not HERE.match(asked.url) else None)
    page.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(address, timeout=LONG)
    told = page.get_by_text("computed in")
    told.wait_for()
    page.get_by_text("head 0 of layer 1 off").first.wait_for()
    words, change = page.locator("textarea").first, page.locator("input[type=text]").first
    change.fill("9")
    change.press("Enter")
    error = page.get_by_text("there is no layer 9: they are counted from 0 to 3")
    error.wait_for()
    assert error.bounding_box()["y"] < page.locator(".hw").bounding_box()["y"], "above the picture, not below it"
    change.fill("2.mlp")
    change.press("Enter")
    page.get_by_text("mlp of layer 2 off").first.wait_for()
    words.fill("O ♥")
    page.get_by_text("is not in the alphabet").wait_for()
    words.fill("O Romeo")
    told.wait_for()
    for kind in ("lens", "norms"):
        page.locator("select").nth(1).select_option(label=kind)
        page.locator(f".hw[data-picture={kind}]").first.wait_for()
        told.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not wrong
    context.close()
