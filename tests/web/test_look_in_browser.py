"""Every picture as a page, in a real browser: it draws without an error and without a request, and the keyboard moves it."""

from __future__ import annotations

import pytest
from support.browser import IN_CHROMIUM
from support.pictures_of import PICTURES

pytestmark = IN_CHROMIUM

KEYS = ("ArrowDown", "ArrowRight", "ArrowDown", "PageUp", "ArrowLeft", "ArrowUp", "End", "PageDown", "Escape")
ALL = {"attention", "patches", "likeness", "alignment"}

CANVASES = "() => [...document.querySelectorAll('canvas')].map((c) => c.toDataURL()).join()"
TALL = "() => document.querySelector('#here').offsetHeight"
WIDE = "() => document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture
def opened(browser, tmp_path):
    """A picture's page, watched: `complaints` fills with console errors, exceptions, and requests for anything but the page."""
    pages = []

    def one(name: str, width: int = 1280, scheme: str = "light"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        complaints: list[str] = []
        file = PICTURES[name].save(tmp_path / "picture.html").as_uri()
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: None if r.url == file or r.url.startswith("data:") else complaints.append(r.url))
        page.goto(file)
        page.wait_for_function("() => document.querySelector('.hw [tabindex]')")
        pages.append(page)
        return page, complaints

    yield one
    for page in pages:
        page.close()


def test_every_kind_is_here():
    assert {picture.kind for picture in PICTURES.values()} == ALL


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_draws_and_moves_and_stays_in_its_place(opened, name, width, scheme):
    page, complaints = opened(name, width, scheme)
    assert page.evaluate(WIDE)
    before, tall = page.evaluate(CANVASES) + page.inner_text("#here"), page.evaluate(TALL)
    page.locator(".hw [tabindex]").first.focus()
    seen = {before}
    for key in KEYS:
        page.keyboard.press(key)
        seen.add(page.evaluate(CANVASES) + page.inner_text("#here") + page.inner_html("#here"))
        assert page.evaluate(TALL) == tall, f"{key} moved what stands below"
    assert len(seen) > 2
    selects = page.locator(".hw select")
    for n in range(selects.count()):
        for value in selects.nth(n).locator("option").evaluate_all("(options) => options.map((o) => o.value)"):
            if not selects.nth(n).is_visible():  # what is shown has no layers or heads of its own
                continue
            selects.nth(n).select_option(value)
            assert page.evaluate(TALL) == tall, f"{value} moved what stands below"
    assert page.evaluate(WIDE)
    assert complaints == []


def test_a_word_tells_what_it_takes(opened):
    page, complaints = opened("causal")
    page.locator("[role=application]").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    picture, layer = PICTURES["causal"], PICTURES["causal"].layers[0]
    weights = layer.weights.mean(0)[2]
    best = int(weights.argmax())
    words = [token.strip() for token in picture.texts["text"]]
    share = f"{float(weights[best]):.0%}".replace("%", "\u00a0%")
    assert f"“{words[2]}” takes: “{words[best]}” {share}" in page.inner_text(".attn-told")
    page.locator(".attn-word", has_text=words[0]).first.click()
    assert "From" in page.inner_text(".attn-told")
    assert complaints == []


def test_heads_are_picked_from_the_small_ones(opened):
    page, complaints = opened("causal")
    buttons = page.locator(".attn-heads button")
    assert buttons.count() == 1 + len(PICTURES["causal"].layers[0].heads)
    before = page.evaluate(CANVASES)
    buttons.nth(2).click()
    assert buttons.nth(2).get_attribute("aria-pressed") == "true"
    assert page.locator(".hw select").nth(1).input_value() == "1"
    assert page.evaluate(CANVASES) != before
    assert page.locator(".attn-group.shared").count() == 2  # two heads of keys and values
    assert complaints == []


def test_what_may_not_be_seen_is_told_apart(opened):
    page, complaints = opened("windows")
    page.locator("[role=application]").focus()
    page.keyboard.press("End")
    hidden = page.locator(".attn-word.hidden").count()
    assert hidden == int((~PICTURES["windows"].layers[0].seen[-1]).sum())
    assert "may not be seen" in page.inner_text(".attn-legend")
    assert complaints == []


def test_a_patch_is_chosen_on_the_picture(opened):
    page, complaints = opened("patches", 390)
    page.locator(".patches-pair canvas").first.click(position={"x": 10, "y": 10})
    assert "The patch in row 0, column 0" in page.inner_text(".patches-told")
    page.keyboard.press("Escape")
    page.locator(".hw button", has_text="[CLS]").click()
    assert "[CLS] takes most" in page.inner_text(".patches-told")
    page.locator(".hw select").first.select_option("importance")
    assert "importance" in page.inner_text(".patches-pair")
    assert complaints == []


def test_the_temperature_changes_the_shares(opened):
    page, complaints = opened("pictures and texts")
    slider = page.locator("input[type=range]")
    first = page.inner_text(".like-table")
    slider.focus()
    for _ in range(40):
        slider.press("ArrowRight")
    assert page.inner_text(".like-table") != first
    page.locator(".hw button").click()
    assert page.inner_text(".like-table") == first
    assert complaints == []


def test_it_follows_from_light_to_dark(opened):
    page, complaints = opened("cross")
    before = page.evaluate(CANVASES)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"(before) => ({CANVASES})() !== before", arg=before)
    page.set_viewport_size({"width": 390, "height": 900})
    page.wait_for_function(WIDE)
    assert complaints == []
