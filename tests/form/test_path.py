"""The path names what is there, all of it, and nothing else."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

from headway.claims import catalog as claims
from headway.learn.exercise import exercises
from headway.learn.path import COURSE, read_path, the_path
from headway.models.catalog import CATALOG
from headway.papers import formats


def test_every_topic_is_there_with_what_a_topic_needs() -> None:
    topics = the_path().topics
    assert set(topics) == {
        "tensors", "autograd", "training-basics", "tokenizers", "language-models", "seq2seq", "attention", "transformer",
        "layer-norm", "training", "bert", "gpt", "llama", "gemma", "multimodal", "mamba", "retnet", "efficient", "vit",
        "decision-transformer", "lora", "quantisation", "surveys", "using-models", "library",
    }  # fmt: skip
    for topic in topics.values():
        assert topic.title[0].isupper(), topic.id
        assert topic.why.endswith((".", "?")), topic.id
        assert topic.lesson == f"{topic.id}.py"
        assert not set(topic.check) - {"papers", "models"}
        for paper in topic.papers[: topic.check.get("papers", 0)]:
            assert paper in the_path().papers


def test_a_topic_comes_after_everything_it_builds_on() -> None:
    path = the_path()
    order = list(path.topics)
    for topic in path.topics.values():
        assert all(order.index(need) < order.index(topic.id) for need in path.before(topic.id))
        assert topic.id not in path.before(topic.id)


def test_models_of_the_catalogue_are_in_one_topic_each() -> None:
    named = [model for topic in the_path().topics.values() for model in topic.models]
    assert sorted(named) == sorted(CATALOG), "path.toml and models/catalog.py name different models"


def test_claims_are_in_the_topic_they_say() -> None:
    named = {claim: topic.id for topic in the_path().topics.values() for claim in topic.claims}
    assert named == {name: entry.topic for name, entry in claims.CATALOG.items()}, (
        "path.toml and claims/catalog.py differ"
    )


def test_exercises_and_lessons_lie_under_topics() -> None:
    topics = the_path().topics
    assert {exercise.topic for exercise in exercises().values()} <= set(topics)
    lessons = {file.stem for file in (COURSE / "lessons").glob("*.py")}
    assert {name for name in lessons if not name.startswith("_")} <= set(topics)
    for topic in topics.values():
        names = {exercise.name for exercise in exercises().values() if exercise.topic == topic.id}
        assert set(topic.test_out) <= names, topic.id


def test_papers_are_whole_records_and_each_belongs_to_a_topic() -> None:
    path = the_path()
    used = {key for topic in path.topics.values() for key in topic.papers}
    assert used == set(path.papers)
    arxiv = [paper.arxiv for paper in path.papers.values() if paper.arxiv]
    assert len(set(arxiv)) == len(arxiv)
    for paper in path.papers.values():
        assert paper.title
        assert paper.authors
        assert 1940 < paper.year < 2030
        assert paper.arxiv or paper.doi or paper.venue, paper.key
        if paper.arxiv:
            assert paper.year == (2000 if paper.arxiv[:2] != "99" else 1900) + int(paper.arxiv[:2]), paper.key
    for entry in CATALOG.values():
        assert set(entry.papers) <= set(path.papers), f"{entry.name} names papers that papers.toml does not know"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ('[[topic]]\nid = "a"\ntitle = "A"\nwhy = "."\nneeds = ["b"]\n', "does not come before"),
        (
            '[[topic]]\nid = "a"\ntitle = "A"\nwhy = "."\n[[topic]]\nid = "b"\ntitle = "B"\nwhy = "."\nalso = ["a"]\n',
            "two topics",
        ),
        ('[[topic]]\nid = "a"\ntitle = "A"\nwhy = "."\npapers = ["z"]\n', "does not know"),
    ],
)
def test_a_path_that_contradicts_itself_is_not_read(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "path.toml").write_text("[reading]\ngeneric = []\n" + path)
    (tmp_path / "papers.toml").write_text('[[paper]]\nkey = "p"\ntitle = "P"\nauthors = ["A B"]\nyear = 2000\n')
    with pytest.raises(ValueError, match=message):
        read_path(tmp_path)


def test_topics_go_by_several_names_and_papers_by_their_authors() -> None:
    path = the_path()
    for name in ("layer norm", "LayerNorm", "layer_norm", "Layer norm", "rmsnorm"):
        assert path.topic(name).id == "layer-norm"
    assert path.topic("modules-and-training").id == "training-basics"
    short = {key: path.papers[key].short for key in ("adam", "transformer", "gemma", "glu-variants", "llama3")}
    assert short == {
        "adam": "Kingma and Ba 2014",
        "transformer": "Vaswani et al. 2017",
        "gemma": "Gemma Team 2024",
        "glu-variants": "Shazeer 2020",
        "llama3": "Grattafiori et al. 2024",
    }


GUIDED = [
    key for key in the_path().papers
    if any(topic.lesson_file and key in topic.papers for topic in the_path().topics.values())
]  # fmt: skip


@functools.cache
def names_in(file: str) -> set[str]:
    """Every function and class of a file of ours, and every ``Class.method``."""
    found: set[str] = set()
    for node in ast.parse((COURSE.parent.parent / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
            found |= {f"{node.name}.{one.name}" for one in ast.walk(node) if isinstance(one, ast.FunctionDef)}
    return found


@pytest.mark.parametrize("key", GUIDED)
def test_the_papers_of_a_lesson_say_what_to_read_closely_and_where_it_is_in_the_code(key: str) -> None:
    paper = the_path().papers[key]
    assert paper.says.endswith("."), f"{key}: says is one sentence"
    assert 60 < len(paper.says) < 360
    assert 40 < len(paper.read_closely) < 300
    assert not paper.read_closely.endswith(".")
    assert paper.in_code
    assert len(paper.places) == len(paper.in_code), f"{key}: in_code is written FILE:NAME, what is to be seen there"
    for file, name, seen in paper.places:
        assert name in names_in(file), f"{key}: there is no {name} in {file}"
        assert seen, f"{key}: say what is to be seen in {file}"


def test_a_place_in_the_code_that_is_not_there_would_be_found() -> None:
    assert "attend_by_hand" in names_in("headway/blocks/attention.py")
    assert "Value.backward" in names_in("headway/blocks/scalar_engine.py")
    assert "attend_by_foot" not in names_in("headway/blocks/attention.py")
    with pytest.raises(FileNotFoundError):
        names_in("headway/blocks/nowhere.py")


@pytest.mark.parametrize("format", sorted(formats.NAMES))
def test_our_words_on_a_paper_are_not_exported(format: str) -> None:
    papers = the_path().papers
    whole = formats.write(list(papers.values()), format)
    assert whole == formats.write([paper.bare for paper in papers.values()], format)
    assert papers["bahdanau"].says[:40] not in whole
    assert "alignment.py" not in whole
