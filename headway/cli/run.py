"""``headway run NAME INPUT``: the natural thing for the model: complete, answer, fill a gap, compare, name, transcribe, act."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from headway.cli._talk import Options

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
    beams: int | None = None,
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
    from headway.base.errors import HeadwayError
    from headway.cli._talk import note, piped, plain, speaks, write

    for word in prompt:
        # A lone - has to come through; an option misspelt must not become part of the prompt.
        if re.fullmatch(r"--?[a-zA-Z][\w-]*(=.*)?", word):
            raise HeadwayError(f"there is no option {word}. `headway run --help` shows what there is.")
    text = " ".join(prompt)
    if text == "-" or (not text and not sys.stdin.isatty()):
        text = piped().rstrip("\n")
    text = plain(text)
    if not text.strip():
        raise HeadwayError('the prompt is empty: headway run NAME "prompt", or - to read it from standard input.')
    options.check()
    if beams is not None and not 1 <= beams <= 1000:
        raise HeadwayError(f"--beams is 1 or more (and at most 1000), not {beams}.")
    sampling = options.sampling(temperature=0.0, top_p=1.0)
    loaded = options.load(name)
    from headway.cli._asked import How
    from headway.cli._other import other, run_other
    from headway.learn.progress import used

    kind = other(loaded)
    if language is not None and kind != "speech":
        raise HeadwayError(f"--language is for models that hear, and {name} does not.")
    if beams is not None and kind not in ("encoder-decoder", "speech"):
        does = "goes on with one" if kind is None else "does not"
        raise HeadwayError(f"--beams is for models that turn a text or a sound into a text, and {name} {does}.")
    if kind is not None:
        if raw or options.system is not None:
            raise HeadwayError(f"{'--raw' if raw else '--system'} is for models that chat, and {name} does not.")
        words = [plain(word) for word in prompt] if len(prompt) > 1 else [text]
        with options.plugged() as tell:
            run_other(loaded, kind, words, How(options=options, beams=beams, language=language))
            tell()
        used(name)
        return 0
    speaks(loaded)

    from headway.sample.text import Reply, reply

    if raw or not loaded.chats:
        if options.system is not None:
            raise HeadwayError(
                f"--system needs a chat template, and {'--raw leaves it out' if raw else name + ' has none'}."
            )
        ids = loaded.encode(text)
    else:
        system = [] if options.system is None else [{"role": "system", "content": plain(options.system)}]
        ids = loaded.words.encode_chat([*system, {"role": "user", "content": text}])
    said = Reply()
    with options.plugged() as tell:
        pieces = reply(
            loaded.model,
            loaded.decoder(),
            ids,
            max_tokens=options.max_tokens,
            sampling=sampling,
            stop_ids=loaded.stop_ids,
            stops=options.stops,
            generator=options.generator(next(loaded.model.parameters()).device),
            into=said,
        )
        try:
            write(pieces)
        except KeyboardInterrupt:
            print(flush=True)
            note(f"stopped: {said.line()}")
            return 130
        print(flush=True)
        note(said.line())
        tell()
    used(name)
    return 0
