"""``headway chat [NAME]``: a conversation. Ctrl-C ends a reply, /quit or the end of the input ends the conversation."""

from __future__ import annotations

import contextlib
import sys

import cyclopts

from headway.base.files import expanded
from headway.cli._talk import Options

app = cyclopts.App(name="chat", help="Talk with a model.")

HELP = """/reset         forget the conversation
/system TEXT   forget it, and tell the model TEXT beforehand
/again         answer the last question once more
/save FILE     write the conversation to FILE as Markdown
/stats         what the last reply took
/quit          leave (so does Ctrl-D); Ctrl-C ends a reply"""


@app.default
def chat(name: str = "smollm2-135m", /, *, options: Options = Options()) -> int:
    """Talk with a model that was trained to chat. /help lists what can be done besides talking.

    Parameters
    ----------
    name
        A name (smollm2-135m), a folder in Hugging Face's layout, a .gguf file, or a Hugging Face id (owner/name).
    """
    from headway.base.errors import HeadwayError
    from headway.cli._talk import note, plain, speaks

    options.check()
    sampling = options.sampling(temperature=0.2, top_p=0.9)
    person = sys.stdin.isatty()
    loaded = options.load(name)
    speaks(loaded)
    if not loaded.chats:
        raise HeadwayError(
            f'{name} has no chat template: it completes text. Try: headway run {name} "Once upon a time"'
        )

    from headway.sample.conversation import Conversation

    system = None if options.system is None else plain(options.system)
    talk = Conversation(loaded.model, loaded.tokenizer, system=system)
    session = _Session(name, talk, options, sampling, options.generator(next(loaded.model.parameters()).device))
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")
    if person:
        note(f"{name} listens. /help for help, /quit to leave, Ctrl-C ends a reply.")
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  (arrows and history at the prompt)
    with options.plugged():
        while True:
            try:
                line = plain(input("> " if person else ""))
            except EOFError:
                if person:
                    print()
                return 0
            except KeyboardInterrupt:
                print()
                note("/quit or Ctrl-D leaves")
                continue
            try:
                if session.hear(line.strip()):
                    return 0
            except KeyboardInterrupt:
                print(flush=True)
                note("stopped")
            except HeadwayError as error:
                from headway.base.console import fail

                fail(str(error))


class _Session:
    """One conversation at a terminal: what a line does."""

    def __init__(self, name, talk, options, sampling, generator):
        from headway.sample.text import Reply

        self.name, self.remembered = name, False
        self.talk, self.options, self.sampling, self.generator = talk, options, sampling, generator
        self.last = Reply()

    def hear(self, line: str) -> bool:
        """Answer a line, or do what it says; True to leave."""
        from headway.base.errors import HeadwayError, did_you_mean
        from headway.cli._talk import note

        if not line:
            return False
        if not line.startswith("/"):
            self._answer(line)
            return False
        word, _, rest = line.partition(" ")
        if word in ("/quit", "/exit", "/bye"):
            return True
        if word == "/reset":
            self.talk.reset()
            note("forgotten")
        elif word == "/system":
            self.talk.system = rest.strip() or None
            self.talk.reset()
            note("forgotten; the model is told that" if rest.strip() else "forgotten")
        elif word == "/again":
            self._again()
        elif word == "/save":
            self._save(rest.strip())
        elif word == "/stats":
            note(self.last.line())
        elif word in ("/help", "/?"):
            note(HELP)
        else:
            known = ["/reset", "/system", "/again", "/save", "/stats", "/quit", "/help"]
            raise HeadwayError(f"there is no {word}.{did_you_mean(word, known)} /help lists what there is.")
        return False

    def _answer(self, text: str) -> None:
        from headway.cli._talk import note, write
        from headway.sample.text import Reply

        self.last = Reply()
        pieces = self.talk.say(
            text,
            max_tokens=self.options.max_tokens,
            sampling=self.sampling,
            stops=self.options.stops,
            generator=self.generator,
            into=self.last,
        )
        try:
            with contextlib.closing(pieces):
                write(pieces)
            print(flush=True)
            note(self.last.line())
            self._remember()
        except KeyboardInterrupt:
            print(flush=True)
            note(f"stopped: {self.last.line()}")

    def _remember(self) -> None:
        """Once in a conversation: the plan counts the models that were used."""
        if not self.remembered:
            from headway.learn.progress import used

            used(self.name)
            self.remembered = True

    def _again(self) -> None:
        from headway.base.errors import HeadwayError

        messages = self.talk.messages
        asked = next((n for n in reversed(range(len(messages))) if messages[n]["role"] == "user"), None)
        if asked is None:
            raise HeadwayError("nothing has been asked yet.")
        text = messages[asked]["content"]
        self.talk.messages = messages[:asked]
        self._answer(text)

    def _save(self, name: str) -> None:

        from headway.base.errors import HeadwayError
        from headway.base.files import back_up, write_text
        from headway.cli._talk import note

        if not name:
            raise HeadwayError("/save needs a file: /save talk.md")
        if not self.talk.messages:
            raise HeadwayError("nothing has been said yet.")
        path = expanded(name)
        if path.is_dir():
            raise HeadwayError(f"{path} is a folder: /save {path / 'talk.md'}")
        try:
            kept = back_up(path)
            write_text(path, "\n".join(f"**{m['role']}**\n\n{m['content']}\n" for m in self.talk.messages))
        except OSError as error:
            raise HeadwayError(f"{path} cannot be written ({error.strerror}).") from error
        note(f"saved to {path}" + (f"; what was there is now {kept.name}" if kept else ""))
