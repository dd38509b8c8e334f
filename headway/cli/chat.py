"""``headway chat [NAME]``: a conversation. Ctrl-C ends a reply, /quit or the end of the input ends the conversation."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import cyclopts

from headway.base.console import fail
from headway.base.errors import HeadwayError, OutOfContext, did_you_mean
from headway.base.files import back_up, expanded, write_text
from headway.cli.shared.options import Options
from headway.cli.shared.writing import note, plain, took, write
from headway.learn.progress import used
from headway.zoo import DEFAULT, check_name, kind_of, must_speak

if TYPE_CHECKING:
    from headway.sample.conversation import Conversation
    from headway.sample.text import Reply

app = cyclopts.App(name="chat", help="Talk with a model.")

HELP = """/reset         forget the conversation
/system TEXT   forget it, and tell the model TEXT beforehand
/again         answer the last question once more
/save FILE     write the conversation to FILE as Markdown
/stats         what the last reply took
/quit          leave (so does Ctrl-D); Ctrl-C ends a reply"""

LEAVE = ("/quit", "/exit", "/bye")


@app.default
def chat(name: str = DEFAULT, /, *, options: Options = Options()) -> int:
    """Talk with a model that was trained to chat. /help lists what can be done besides talking.

    Parameters
    ----------
    name
        A name (smollm2-135m), a folder in Hugging Face's layout, a .gguf file, or a Hugging Face id (owner/name).
    """
    check_name(name)
    must_speak(kind_of(name), name)
    options.check()
    person = sys.stdin.isatty()
    loaded = options.load(name)
    if loaded.entry.kind == "decoder" and not loaded.chats:
        raise HeadwayError(
            f'{name} has no chat template: it completes text. Try: headway run {name} "Once upon a time"'
        )
    # These load torch, and `headway chat --help` does without.
    from headway import use
    from headway.sample.generate import Until

    system = None if options.system is None else plain(options.system)
    how = {
        "until": Until(max_tokens=options.max_tokens, stops=options.stops),
        "sampling": options.sampling(temperature=0.2, top_p=0.9),
        "generator": use.randomness(loaded, options.seed),
    }
    talk = use.conversation(loaded, system=system)
    session = Session(name, talk, lambda text: talk.say(text, **how))
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")
    if person:
        note(f"{name} listens. /help for help, /quit to leave, Ctrl-C ends a reply.")
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  (arrows and history at the prompt)
    with options.plugged() as own:
        _listen(session, person)
    if own is not None and own.told():
        note(f"with {options.with_}: {own.told()}")
        used(name, options.own)
    return 0


def _listen(session: Session, person: bool) -> None:
    """Line by line, until the person leaves or the input ends."""
    while True:
        try:
            line = plain(input("> " if person else ""))
        except EOFError:
            if person:
                print()
            return
        except KeyboardInterrupt:
            print()
            note("/quit or Ctrl-D leaves")
            continue
        try:
            if session.hear(line.strip()):
                return
        except KeyboardInterrupt:
            print(flush=True)
            note("stopped")
        except OutOfContext as error:
            fail(f"{error} /reset forgets this one.")
        except HeadwayError as error:
            fail(str(error))


class Session:
    """One conversation at a terminal: what a line does."""

    def __init__(self, name: str, talk: Conversation, say: Callable[[str], Reply]):
        self.name, self.talk, self.say = name, talk, say
        self.remembered = False
        self.last: Reply | None = None

    def hear(self, line: str) -> bool:
        """Answer a line, or do what it says; True to leave."""
        if not line:
            return False
        if not line.startswith("/"):
            self._answer(line)
            return False
        word, _, rest = line.partition(" ")
        if word in LEAVE:
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
            note("no token came" if self.last is None else took(self.last))
        elif word in ("/help", "/?"):
            note(HELP)
        else:
            known = ["/reset", "/system", "/again", "/save", "/stats", "/quit", "/help"]
            raise HeadwayError(f"there is no {word}.{did_you_mean(word, known)} /help lists what there is.")
        return False

    def _answer(self, text: str) -> None:
        self.last = said = self.say(text)
        try:
            with contextlib.closing(said):
                write(said)
            note(took(said))
            self._remember()
        except KeyboardInterrupt:
            note(f"stopped: {took(said)}")

    def _remember(self) -> None:
        """Once in a conversation: the plan counts the models that were used."""
        if not self.remembered:
            used(self.name)
            self.remembered = True

    def _again(self) -> None:
        messages = self.talk.messages
        asked = next((n for n in reversed(range(len(messages))) if messages[n]["role"] == "user"), None)
        if asked is None:
            raise HeadwayError("nothing has been asked yet.")
        self.talk.messages = messages[:asked]
        self._answer(messages[asked]["content"])

    def _save(self, name: str) -> None:
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
