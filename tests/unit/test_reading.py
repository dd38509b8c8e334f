"""What somebody else wrote, in every way that it can be wrong: one line each, which names the file and says what to do."""

from __future__ import annotations

import pytest

from headway.base.environment import place_in_run, whole_number
from headway.base.errors import Corrupt, HeadwayError
from headway.base.files import cache_dir, expanded
from headway.base.reading import parse_json, parse_toml, read_json, read_json_object, read_text, read_toml

NESTED = {"lists": "[" * 101 + "]" * 101, "objects": '{"a":' * 101 + "0" + "}" * 101, "endless": "[" * 100_000}
BAD_JSON = {
    "empty": "",
    "cut": '{"a": 1',
    "two": "1 2",
    "nothing known": "None",
    "a long number": "1" * 101,
    "a number longer than Python reads": "1" * 5000,
    **NESTED,
}
BAD_TOML = {
    "cut": "a = ",
    "a number of 400 digits": "a = " + "9" * 400,
    "a number longer than Python reads": "a = " + "9" * 5000,
    "nested": "a = " + "[" * 5000 + "]" * 5000,
    "twice": "a = 1\na = 2",
}


def line(caught) -> str:
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", BAD_JSON)
def test_bad_json_is_one_line(tmp_path, name) -> None:
    path = tmp_path / "config.json"
    path.write_text(BAD_JSON[name])
    with pytest.raises(Corrupt, match=r"config\.json .*: fetch it again$") as caught:
        read_json(path)
    assert "nested more than 100 deep" in line(caught) or name not in NESTED


@pytest.mark.parametrize("name", BAD_TOML)
def test_bad_toml_is_one_line(tmp_path, name) -> None:
    path = tmp_path / "run.toml"
    path.write_text(BAD_TOML[name])
    with pytest.raises(Corrupt, match=r"run\.toml .*: mend it$") as caught:
        read_toml(path)
    line(caught)


def test_what_checkpoints_really_hold_is_read(tmp_path) -> None:
    """Ten to the thirtieth for "no limit", as transformers writes it; a mark before the text, as Windows does."""
    path = tmp_path / "tokenizer_config.json"
    path.write_bytes(b'\xef\xbb\xbf{"model_max_length": 1000000000000000019884624838656, "x": [1e400, NaN]}')
    content = read_json_object(path)
    assert content["model_max_length"] == 1000000000000000019884624838656
    assert parse_json("[" * 99 + "1" + "]" * 99, "x")
    assert parse_toml("\ufeffa = 1", "x") == {"a": 1}


def test_what_is_no_text_or_no_file(tmp_path) -> None:
    latin = tmp_path / "vocab.txt"
    latin.write_bytes(b"caf\xe9")
    with pytest.raises(Corrupt, match=r"is not UTF-8 \(.* at byte 3\): fetch it again"):
        read_text(latin)
    with pytest.raises(HeadwayError, match="there is no file"):
        read_text(tmp_path / "none")
    with pytest.raises(HeadwayError, match="is a folder"):
        read_text(tmp_path)
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(Corrupt, match="holds no JSON object: mend it"):
        read_json_object(tmp_path / "list.json", then="mend it")
    with pytest.raises(Corrupt, match="larger than"):
        read_text(latin, largest=2)


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "9" * 400, "٣", "0x10"])
@pytest.mark.parametrize("name", ["RANK", "WORLD_SIZE", "LOCAL_RANK"])
def test_a_variable_that_is_no_number_is_named(monkeypatch, name, value) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(HeadwayError, match=f"{name} is") as caught:
        place_in_run()
    assert len(line(caught)) < 150


def test_torchruns_variables(monkeypatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert place_in_run() == (1, 0, 0)
    monkeypatch.setenv("RANK", "5")
    assert place_in_run() == (1, 0, 0), "a rank without a world is not one of several"
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(HeadwayError, match="ranks run from 0 to 3"):
        place_in_run()
    monkeypatch.setenv("RANK", " 3 ")
    assert place_in_run() == (4, 3, 0)
    monkeypatch.setenv("EMPTY", "")
    assert whole_number("EMPTY", 7) == 7


@pytest.mark.parametrize("name", ["HEADWAY_CACHE", "XDG_CACHE_HOME"])
def test_a_home_that_nobody_has(monkeypatch, name) -> None:
    monkeypatch.delenv("HEADWAY_CACHE", raising=False)
    monkeypatch.setenv(name, "~nosuchuser/x")
    with pytest.raises(HeadwayError, match=f"{name} is '~nosuchuser/x'"):
        cache_dir()
    with pytest.raises(HeadwayError, match="knows no home for '~nosuchuser'"):
        expanded("~nosuchuser/notes.bib")
