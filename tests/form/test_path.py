"""The path names what is there, all of it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.claims import catalog as claims
from headway.learn.exercise import exercises
from headway.learn.path import COURSE, read_path, the_path
from headway.models.catalog import CATALOG


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
