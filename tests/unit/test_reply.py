"""Text as it comes: stop strings, whatever the pieces; conversations that read nothing twice; what the report says."""

from __future__ import annotations

import contextlib
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.base.errors import HeadwayError
from headway.models.llama import Llama, LlamaConfig
from headway.sample.conversation import Conversation
from headway.sample.filters import GREEDY, Sampling
from headway.sample.generate import Until
from headway.sample.text import StopStrings, reply
from headway.tokens.tokenizer import TextStream

LETTERS = st.text(alphabet="abc", max_size=30)
STOPS = st.lists(st.text(alphabet="abc", min_size=1, max_size=4), max_size=3)


def up_to_first_stop(text: str, stops: list[str]) -> str:
    """By definition: read letter by letter; as soon as a stop is complete, all before it (the longest, of several) is out."""
    for end in range(1, len(text) + 1):
        complete = [stop for stop in stops if text[:end].endswith(stop)]
        if complete:
            return text[: end - max(map(len, complete))]
    return text


@settings(max_examples=300, deadline=None)
@given(text=LETTERS, stops=STOPS, cuts=st.lists(st.integers(0, 30), max_size=8))
def test_stops_do_not_depend_on_the_pieces(text, stops, cuts):
    gate, out = StopStrings(stops), ""
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    for start, end in itertools.pairwise(edges):
        out += gate.push(text[start:end])
        assert text.startswith(out)
    met = gate.met is not None
    out += gate.close()
    assert out == up_to_first_stop(text, stops)
    assert met == any(stop in text for stop in stops)


def test_what_cannot_become_a_stop_is_not_held_back():
    gate = StopStrings(["\nUser:"])
    assert [gate.push(piece) for piece in ("Hi", " there\n", "User", "s\n", "\nUse")] == [
        "Hi",
        " there",
        "",
        "\nUsers",
        "\n",
    ]
    assert gate.push("r: x") == ""
    assert gate.met == "\nUser:"
    assert gate.push("more") == ""


def test_an_empty_stop_is_one_line():
    with pytest.raises(HeadwayError, match="at least one character"):
        StopStrings(["a", ""])


class Words:
    """A tokenizer of single letters with a chat template: `u...` the user, `m...` the model, 0 the end of a turn."""

    stop_ids = frozenset()  # the replies below are cut by their length
    letters = ".umabcdefghijklnopqrstvwxyz ?!"

    def encode(self, text):
        return [self.letters.index(letter) for letter in text]

    def decode(self, ids):
        return "".join(self.letters[id] for id in ids)

    def stream(self):
        return TextStream(self.decode)

    def encode_chat(self, messages):
        text = "".join({"user": "u", "assistant": "m", "system": "s"}[m["role"]] + m["content"] + "." for m in messages)
        return self.encode(text + "m")


def model(context: int = 400, window: bool = False):
    torch.manual_seed(4)
    config = LlamaConfig(vocab_size=30, width=16, n_layer=2, n_head=2, ff_width=24, context=context)
    built = Llama(config).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.4)
    return built


class Counting:
    """A model that notes how many tokens it is given."""

    def __init__(self, inner):
        self.inner, self.config, self.read = inner, inner.config, []

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def __call__(self, tokens, cache=None, *, mask=None):
        self.read.append(tokens.shape[1])
        return self.inner(tokens, cache, mask=mask)

    def hidden(self, tokens, cache=None, *, mask=None):
        self.read.append(tokens.shape[1])
        return self.inner.hidden(tokens, cache, mask=mask)


def test_the_pieces_are_the_text_and_the_report_counts():
    said = reply(model(), Words().stream(), [1, 4, 5], until=Until(max_tokens=20))
    pieces = list(said)
    assert "".join(pieces) == said.text
    assert len(said.ids) == 20
    assert said.ended == "length"
    assert said.prompt == 3
    assert said.first is not None
    assert 0 < said.first <= said.seconds
    assert said.cache_bytes > 0
    assert said.rate == pytest.approx(19 / (said.seconds - said.first))


def test_a_stop_string_ends_the_reply_before_itself():
    whole = reply(model(), Words().stream(), [1, 4, 5], until=Until(max_tokens=30)).read()
    stop = whole[5:8]
    said = reply(model(), Words().stream(), [1, 4, 5], until=Until(max_tokens=30, stops=[stop]))
    got = "".join(said)
    assert got == whole[: whole.index(stop)] == said.text
    assert said.ended == "stop"
    assert len(said.ids) < 30


def test_a_stop_id_is_not_part_of_the_text():
    free = reply(model(), Words().stream(), [1, 4, 5], until=Until(max_tokens=30))
    free.read()
    stop = free.ids[6]
    said = reply(model(), Words().stream(), [1, 4, 5], until=Until(max_tokens=30, stop_ids={stop}))
    said.read()
    assert said.ids == free.ids[: free.ids.index(stop) + 1]
    assert said.text == Words().decode(said.ids[:-1])
    assert said.ended == "stop"


def chat(talk, *texts, max_tokens=12, **options):
    return [talk.say(text, until=Until(max_tokens=max_tokens), **options).read() for text in texts]


def test_a_conversation_says_what_it_would_say_from_scratch():
    talk = Conversation(model(), Words())
    texts = ["hello", "and you?", "go on", "why"]
    answers = []
    for text in texts:
        answers += chat(talk, text)
        messages = talk.messages[:-1]
        until = Until(max_tokens=12, stop_ids=Words.stop_ids)
        fresh = reply(model(), Words().stream(), Words().encode_chat(messages), until=until)
        assert answers[-1] == fresh.read()
    assert [m["role"] for m in talk.messages] == ["user", "assistant"] * 4
    talk.reset()
    assert talk.messages == []
    assert chat(talk, "hello") == answers[:1]


def test_what_was_read_is_not_read_again():
    counting = Counting(model())
    talk = Conversation(counting, Words())
    pieces = talk.say("hello", until=Until(max_tokens=100))
    for _ in range(10):
        next(pieces)
    pieces.close()
    counting.read.clear()
    chat(talk, "x", max_tokens=20)
    # The last token said, which nobody had read yet, the end of that turn, the question with its marks, the next turn's.
    assert counting.read[0] == len("?" + "." + "ux." + "m")


def test_the_system_comes_first_and_stays():
    talk = Conversation(model(), Words(), system="be kind")
    chat(talk, "hi")
    assert talk.messages[0] == {"role": "system", "content": "be kind"}
    talk.reset()
    assert talk.messages == [{"role": "system", "content": "be kind"}]


@pytest.mark.parametrize("after", [0, 2])
def test_an_answer_nobody_waits_for_is_closed_by_the_next_question(after):
    talk = Conversation(model(), Words())
    chat(talk, "hello")
    left = talk.say("and you?", until=Until(max_tokens=30))
    said = "".join(next(left) for _ in range(after))
    fresh = Conversation(model(), Words())
    fresh.messages = list(talk.messages)
    if after:
        fresh.messages += [{"role": "user", "content": "and you?"}, {"role": "assistant", "content": said}]
    assert chat(talk, "why", "go on") == chat(fresh, "why", "go on")
    assert list(left) == []
    assert [message["role"] for message in talk.messages] == ["user", "assistant"] * (4 if after else 3)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_broken_off_it_keeps_what_was_said(after):
    talk = Conversation(model(), Words())
    pieces = talk.say("hello", until=Until(max_tokens=50))
    said = "".join(next(pieces) for _ in range(after))
    with contextlib.closing(pieces):
        pass
    if after:
        assert talk.messages[-1] == {"role": "assistant", "content": said}
    else:
        assert talk.messages == []
    fresh = Conversation(model(), Words())
    fresh.messages = list(talk.messages)
    assert chat(talk, "why") == chat(fresh, "why")


def test_interrupted_inside_the_model_nothing_is_lost():
    inner = model()
    talk = Conversation(inner, Words())
    chat(talk, "hello")
    calls = 0
    forward = Llama.forward

    def interrupted(self, *args, **options):
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return forward(self, *args, **options)

    Llama.forward = interrupted
    try:
        with pytest.raises(KeyboardInterrupt):
            chat(talk, "and you?")
    finally:
        Llama.forward = forward
    assert talk.messages[-1]["role"] == "assistant"
    fresh = Conversation(inner, Words())
    fresh.messages = list(talk.messages)
    assert chat(talk, "why") == chat(fresh, "why")


def test_a_conversation_that_outgrows_the_context_is_one_line_and_loses_nothing():
    talk = Conversation(model(context=60), Words())
    said = talk.say("hello", until=Until(max_tokens=500))
    said.read()
    assert said.ended in ("context", "stop")
    before = list(talk.messages)
    with pytest.raises(HeadwayError, match="begin a new one") as caught:
        chat(talk, "x" * 60)
    assert "\n" not in str(caught.value)
    assert talk.messages == before


def test_sampling_with_a_seed_repeats():
    def run(seed):
        talk = Conversation(model(), Words())
        generator = torch.Generator().manual_seed(seed)
        return chat(talk, "hello", "more", sampling=Sampling(temperature=1.3), generator=generator)

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert GREEDY.temperature == 0
