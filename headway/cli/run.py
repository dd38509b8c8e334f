"""``headway run NAME INPUT``: the natural thing for the model: complete, answer, fill a gap, compare, name, transcribe, act."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from headway.base.errors import HeadwayError
from headway.cli.shared.inputs import inputs_of
from headway.cli.shared.numbers import Whole
from headway.cli.shared.options import Options
from headway.cli.shared.writing import note, piped, plain
from headway.learn.progress import used
from headway.zoo import check_name, kind_of

if TYPE_CHECKING:
    from headway.cli.shared.jobs import Asked
    from headway.zoo import Loaded

HELP = """Give a model a text, a picture, a sound: it does what it can.

headway run smollm2-135m "Why is the sky blue?"      answer (--raw: go on)
headway run minilm-l6 "a cat" "a kitten" "a car"     compare texts
headway run BERT "Paris is the [MASK] of France."    fill the gap; or label
headway run T5 "translate English to German: hello"  text to text; Marian too
headway run whisper-tiny-en speech.wav               write down what is said
headway run vit-s-focus photo.jpg                    find what stands out
headway run VIT photo.jpg                            name it, or its vector
headway run CLIP photo.jpg "a cat" "a dog"           say which text fits
headway run LLAVA photo.jpg "What is in it?"         answer about a picture
headway run DECISION-TRANSFORMER episode.json        give the next action

NAMES in capitals stand for a folder or a Hugging Face id of that kind.
"""

app = cyclopts.App(name="run", help=HELP, help_format="plaintext")


@app.default
def run(
    name: str,
    /,
    *prompt: Annotated[str, Parameter(allow_leading_hyphen=True)],
    raw: Annotated[bool, Parameter(negative=())] = False,
    beams: Whole | None = None,
    language: str | None = None,
    options: Options = Options(),
) -> int:
    """Give a model an input; it does the natural thing with it.

    The result goes to standard output; tokens per second, time to the first token and the size of the cache to standard
    error. Without --temperature the likeliest token is taken each time.

    Parameters
    ----------
    name
        A name (smollm2-135m), a folder in Hugging Face's layout, a .gguf or .onnx file, or a Hugging Face id (owner/name).
    prompt
        What the model is given: words, or files for models that see, hear or act; - reads a text from standard input.
    raw
        Complete the prompt as it stands, without the chat template.
    beams
        Texts searched at once, by models that turn a text or a sound into a text.
    language
        What is spoken (en, de, ...), for a Whisper of several languages; it listens by itself if left out.
    """
    check_name(name)
    for word in prompt:
        # A lone - has to come through; an option misspelt must not become part of the prompt.
        if re.fullmatch(r"--?[a-zA-Z][\w-]*(=.*)?", word):
            raise HeadwayError(f"there is no option {word}. `headway run --help` shows what there is.")
    text = " ".join(prompt)
    if text == "-" or (not text and not sys.stdin.isatty()):
        text = piped().rstrip("\n")
    text = plain(text)
    if not text.strip():
        raise HeadwayError(
            f'the prompt is empty: headway run {name} "a text" (files for models that see, hear or act), or - to read a '
            "text from standard input."
        )
    options.check()
    if beams is not None and not 1 <= beams <= 1000:
        raise HeadwayError(f"--beams is 1 or more (and at most 1000), not {beams}.")
    words = [plain(word) for word in prompt] if len(prompt) > 1 else [text]
    asked_for = {"raw": raw, "beams": beams, "language": language, "system": options.system}
    if (kind := kind_of(name)) is not None:  # what can be told at once is not told after the seconds of loading
        _refuse(kind, name, **asked_for)
        inputs_of(kind, words)
    loaded = options.load(name)
    _refuse(loaded.entry.kind, name, **asked_for)
    _refuse_system(loaded, options.system)
    # This loads torch, and a mistake on the command line is told without.
    from headway.cli.shared.jobs import Asked

    asked = Asked(
        writing=options.writing(temperature=0.0, top_p=1.0),
        raw=raw,
        system=None if options.system is None else plain(options.system),
        beams=beams,
        language=language,
    )
    try:
        _perform(loaded, words, asked, options)
    except KeyboardInterrupt:
        return 130
    used(name, options.own)
    return 0


def _refuse(kind: str, name: str, *, raw: bool, beams: int | None, language: str | None, system: str | None) -> None:
    """One line for an option that means nothing to this kind of model."""
    if language is not None and kind != "speech":
        raise HeadwayError(f"--language is for models that hear, and {name} does not.")
    if beams is not None and kind not in ("encoder-decoder", "speech"):
        does = "goes on with one" if kind == "decoder" else "does not"
        raise HeadwayError(f"--beams is for models that turn a text or a sound into a text, and {name} {does}.")
    if kind != "decoder" and (raw or system is not None):
        raise HeadwayError(f"{'--raw' if raw else '--system'} is for models that chat, and {name} does not.")
    if system is not None and raw:
        raise HeadwayError("--system needs a chat template, and --raw leaves it out.")


def _refuse_system(loaded: Loaded, system: str | None) -> None:
    if system is not None and not loaded.chats:
        raise HeadwayError(f"--system needs a chat template, and {loaded.name} has none.")


def _perform(loaded: Loaded, words: list[str], asked: Asked, options: Options) -> None:
    """Do it; with functions of the learner's, once more without, to say whether anything has changed."""
    import torch

    from headway import use
    from headway.cli.shared.jobs import job_of

    job = job_of(loaded, words, asked)
    with options.plugged() as own:
        found = job.draw([call() for call in job.calls])
    if own is None:
        return
    note(f"with {options.with_}: {own.told()}")
    dtype = next(loaded.model.parameters()).dtype
    for result, call in zip(found, job.calls, strict=True):
        again = call()
        again = list(again) if job.task == "hear" else again
        decode = loaded.words.decode if job.task in ("go_on", "chat", "answer", "rewrite") else None
        note(use.difference(result, again, decode=decode, eps=torch.finfo(dtype).eps).words)
