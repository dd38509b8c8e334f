"""The foot of a lesson: what it says of the papers comes from papers.toml, whole."""

from __future__ import annotations

import html
import re

import pytest

from headway.learn.path import the_path

LESSONS = [topic.id for topic in the_path().topics.values() if topic.lesson_file]


@pytest.mark.parametrize("topic", LESSONS)
def test_the_foot_says_of_each_paper_what_papers_toml_says(topic: str) -> None:
    from headway.learn import lesson  # marimo is slow to import

    told = " ".join(html.unescape(re.sub(r"<[^>]+>", "", lesson.foot(topic).text)).split())
    for key in the_path().topics[topic].papers:
        paper = the_path().papers[key]
        assert f"{paper.short}, {paper.title}. {paper.says}" in told
        assert f"Read closely: {paper.read_closely}." in told
        for file, name, seen in paper.places:
            assert f"{file}, {name} ({seen})" in told
