"""Figures of lessons as SVG: ink of the page's colour, letters as letters, nothing left open."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from headway.learn.inked import BLUE, inked


def test_a_figure_has_the_ink_of_its_page_and_is_closed():
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(2.9, 2.5))
    axis.plot([1, 2], [3, 4], color=BLUE)
    axis.set_title("a title & more")
    open_before = set(pyplot.get_fignums())
    text = inked("what is in it, <so>", figure).text
    assert set(pyplot.get_fignums()) == open_before - {figure.number}
    svg = ET.fromstring(text[text.index("<svg") : text.rindex("</div>")])
    assert svg.get("width") == "208.8pt"
    assert "currentColor" in text
    assert 'aria-label="what is in it, &lt;so&gt;"' in text
    assert BLUE in text
    assert not re.search(r"#000000|#ffffff", text)
    assert "a title & more" in "".join(svg.itertext())


def test_two_figures_stand_in_one_row_that_may_break():
    from matplotlib import pyplot

    text = inked("two", pyplot.figure(figsize=(1, 1)), pyplot.figure(figsize=(1, 1))).text
    assert text.count("<svg") == 2
    assert "flex-wrap:wrap" in text
