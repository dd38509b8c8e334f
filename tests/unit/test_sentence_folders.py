"""How a folder of sentence-transformers makes one vector of a text is read, or refused by its name."""

from __future__ import annotations

import json

import pytest

from headway.base.errors import HeadwayError
from headway.use.vectors import pooling

MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]
MEAN = {"word_embedding_dimension": 384, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}


def write(folder, facts=MEAN, modules=MODULES, **more):
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(facts))
    (folder / "modules.json").write_text(json.dumps(modules))
    for name, content in more.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def test_a_folder_that_says_nothing(tmp_path):
    assert pooling(tmp_path) == "mean"


@pytest.mark.parametrize(
    ("facts", "how"),
    [
        (MEAN, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "first"),
        ({"pooling_mode": "cls"}, "first"),
        ({"pooling_mode": "mean", "include_prompt": True}, "mean"),
    ],
)
def test_what_is_read(facts, how, tmp_path):
    assert pooling(write(tmp_path, facts, sentence_bert_config={"max_seq_length": 256, "do_lower_case": False})) == how


@pytest.mark.parametrize(
    ("facts", "modules", "words", "says"),
    [
        ({"pooling_mode_max_tokens": True}, MODULES, {}, "max_tokens"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, MODULES, {}, "cls_token and mean_tokens"),
        ({"pooling_mode": "lasttoken"}, MODULES, {}, "lasttoken"),
        (MEAN, [*MODULES, {"path": "3_Dense", "type": "sentence_transformers.models.Dense"}], {}, "Dense"),
        (MEAN, MODULES[:1], {}, "Pooling"),
        (MEAN, [MODULES[0], {"path": "../x", "type": "sentence_transformers.models.Pooling"}], {}, "Pooling"),
        (MEAN, {"a": 1}, {}, "no list"),
        (MEAN, MODULES, {"do_lower_case": True}, "do_lower_case"),
    ],
)
def test_what_is_refused(facts, modules, words, says, tmp_path):
    with pytest.raises(HeadwayError, match=says) as caught:
        pooling(write(tmp_path, facts, modules, sentence_bert_config=words))
    assert "\n" not in str(caught.value)
