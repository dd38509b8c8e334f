"""Pictures in a real browser: they draw, in light and dark, on a desk and on a phone; controls move them and nothing jumps."""

from __future__ import annotations

import json

import pytest
import torch
from support.browser import IN_CHROMIUM
from support.looked import TEXT, tiny

from headway import look
from headway.sample.filters import Sampling

pytestmark = IN_CHROMIUM

LONG = TEXT * 3


def pictures() -> dict[str, tuple[look.Picture, look.Picture]]:
    """Kind -> a picture, and another of the same model and text, changed by an edit."""
    llama, mamba, gru = tiny("llama"), tiny("mamba"), tiny("gru", 1)
    off = [look.Off(0, "attention")]
    return {
        "lens": (look.lens(llama, LONG), look.lens(llama, LONG, edits=off)),
        "tokens": (look.tokens(llama, LONG), look.tokens(llama, LONG, edits=off)),
        "sampling": (look.sampling(llama, LONG), look.sampling(llama, LONG, edits=off)),
        "norms": (look.norms(llama, LONG), look.norms(llama, LONG, edits=off)),
        "memory": (look.memory([llama, mamba], longest=512), look.memory([mamba, gru], longest=256)),
        "decay": (look.decay(mamba, LONG), look.decay(mamba, LONG, edits=off)),
    }


@pytest.fixture(scope="module")
def made():
    return pictures()


def opened(browser, picture, tmp_path, width=1280, scheme="light"):
    """The picture's own page, its model within reach, and what went wrong in it."""
    path = tmp_path / "picture.html"
    path.write_text(picture.page().replace("const model = {", "const model = window.model = {"), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda r: wrong.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None)
    page.goto(path.as_uri())
    page.locator(".hw > *").first.wait_for(state="attached")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page, wrong


WHOLE = (
    "() => [...document.querySelectorAll('.hw [aria-live], .hw p')].every(x => x.scrollHeight <= x.clientHeight + 2)"
)
HEIGHT = "() => document.querySelector('.hw').getBoundingClientRect().height"
CONTROLS = "[...document.querySelectorAll('.hw input, .hw select')].map(x => x.value)"
DRAWN = f"() => document.querySelector('.hw').innerHTML + {CONTROLS}"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("kind", ["lens", "tokens", "sampling", "norms", "memory", "decay"])
def test_it_draws_and_its_controls_move_it_in_place(kind, width, scheme, browser, made, tmp_path):
    page, wrong = opened(browser, made[kind][0], tmp_path, width, scheme)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    height = page.evaluate(HEIGHT)
    assert height > 100
    ends = {"range": "End", "select": "End", "other": "ArrowLeft"}
    controls = page.locator(".hw input, .hw select, .hw [tabindex]")
    assert controls.count() >= 1
    for n in range(controls.count()):
        control = controls.nth(n)
        if control.is_disabled():
            continue
        control.focus()
        assert control.evaluate("x => x === document.activeElement"), "every control takes the keyboard"
        what = control.evaluate("x => x.type === 'range' ? 'range' : x.tagName === 'SELECT' ? 'select' : 'other'")
        before = page.evaluate(DRAWN)
        at_end = control.evaluate("x => x.type === 'range' && Number(x.value) >= Number(x.max) - Number(x.step) / 2")
        many = control.evaluate("x => x.tagName !== 'SELECT' || x.options.length > 1")
        for key in ("Home" if at_end else ends[what], "ArrowRight"):
            if what == "select":
                control.select_option(index=control.evaluate("x => (x.selectedIndex + 1) % x.options.length"))
            else:
                page.keyboard.press(key)
            if page.evaluate(DRAWN) != before:
                break
        if many:
            assert page.evaluate(DRAWN) != before, f"control {n} of {kind} changes nothing"
        assert page.evaluate(HEIGHT) == pytest.approx(height, abs=1), f"control {n} of {kind} moves what stands below"
        assert page.evaluate(WHOLE), f"with control {n} of {kind}, what is told does not fit"
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert not wrong
    page.close()


@pytest.mark.parametrize("kind", ["lens", "tokens", "sampling", "norms", "decay"])
def test_a_new_picture_takes_its_place_without_a_jump(kind, browser, made, tmp_path):
    """But for the line that names the edit, which the first has not."""
    page, wrong = opened(browser, made[kind][0], tmp_path)
    height = page.evaluate(HEIGHT)
    page.evaluate("data => window.model.set('data', data)", made[kind][1].packed() | {"edits": []})
    assert page.evaluate(HEIGHT) == pytest.approx(height, abs=1)
    assert not wrong
    page.close()


@pytest.mark.parametrize(
    "dials",
    [
        Sampling(temperature=0.7, top_k=5, top_p=0.9),
        Sampling(repetition_penalty=1.5, no_repeat_ngram=2, min_p=0.1),
        Sampling(temperature=1.6, top_p=0.6),
        Sampling(temperature=0.0, top_k=3),
    ],
)
def test_the_dials_turned_in_the_page_give_what_python_samples_from(dials, browser, tmp_path):
    loaded = tiny("llama", seed=3)
    python = look.sampling(loaded, LONG, dials=dials)
    page, wrong = opened(browser, look.sampling(loaded, LONG), tmp_path)
    page.evaluate("dials => window.model.set('view', {...window.model.get('view'), ...dials})", python.dials)
    shares = page.evaluate(
        "() => [...document.querySelectorAll('.bar-front')].map(x => parseFloat(x.style.width) / 100)"
    )
    p = python.steps[-1].probabilities
    top = float(torch.cat((p, python.steps[0].probabilities)).max())
    torch.testing.assert_close(torch.tensor(shares) * top, p, rtol=2e-3, atol=1e-4)
    told = page.locator(".dial-sum span").inner_text()
    assert told.startswith(f"{python.steps[-1].kept:,} of")
    assert not wrong
    page.close()


def test_what_the_lens_draws_is_what_was_computed(browser, made, tmp_path):
    picture = made["lens"][0]
    page, _ = opened(browser, picture, tmp_path)
    for layer in range(len(picture.layers)):
        for position in (0, 7, len(LONG) - 1):
            view = json.loads(json.dumps({"show": "rank", "layer": layer, "position": position}))
            page.evaluate("view => window.model.set('view', view)", view)
            assert page.locator(".lens-cell.chosen").inner_text() == f"{picture.ranks[layer][position]:,}"
            words = page.locator(".bar-word").all_inner_texts()
            assert words == [word.strip() for word in picture.guesses[layer][position]]
    page.close()
