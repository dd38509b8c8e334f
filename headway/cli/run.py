"""``headway run NAME "prompt"``: one text from a model, as it comes."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from headway.cli._talk import Options

app = cyclopts.App(name="run", help="Let a model answer or complete a text, as it comes.")


@app.default
def run(
    name: str,
    /,
    *prompt: Annotated[str, Parameter(allow_leading_hyphen=True)],
    raw: Annotated[bool, Parameter(negative=())] = False,
    options: Options = Options(),
) -> int:
    """Let a model answer a prompt (or complete it, with --raw or where it has no chat template).

    The text goes to standard output; tokens per second, time to the first token and the size of the cache to standard
    error. Without --temperature the likeliest token is taken each time.

    Parameters
    ----------
    name
        A name (smollm2-135m), a folder in Hugging Face's layout, a .gguf file, or a Hugging Face id (owner/name).
    prompt
        What the model is asked; - reads it from standard input.
    raw
        Complete the prompt as it stands, without the chat template.
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
    sampling = options.sampling(temperature=0.0, top_p=1.0)
    loaded = options.load(name)
    from headway.cli._other import run_other

    if run_other(loaded, [plain(word) for word in prompt] if len(prompt) > 1 else [text]):
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

    from headway.learn.progress import used

    used(name)
    return 0
