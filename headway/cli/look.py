"""``headway look MODEL INPUT``: see what goes on inside a model, on your own words."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import cyclopts
from cyclopts import Parameter

from headway.base.console import err, out
from headway.base.errors import HeadwayError
from headway.cli.shared.numbers import Whole
from headway.cli.shared.options import Options
from headway.cli.shared.serving import free_port, serve
from headway.cli.shared.writing import plain
from headway.learn.progress import used
from headway.zoo import check_name

if TYPE_CHECKING:
    from headway.look import Edit, Picture
    from headway.zoo import Loaded

HELP = """See what goes on inside a model, on an input of your own.

headway look smollm2-135m "The animal was too tired"   who looks at whom
headway look smollm2-135m "To be or not" --lens        what each layer would say
headway look smollm2-135m "To be or not" --tokens      what came, what might have
headway look smollm2-135m "Once upon a" --sampling     the dials of sampling
headway look shakespeare-char "To be" --norms          the stream, and gradients
headway look smollm2-135m --memory                     what a cache costs
headway look smollm2-135m --diagram                    how it is built
headway look minilm-l6 "a cat" "a dog" --likeness      texts against each other
headway look vit-s-focus photo.jpg --patches           what a picture's parts give
headway look whisper-tiny-en speech.wav --alignment    words in time
headway look numbers-transformer "six" --off 1.0       without head 0 of layer 1

--open opens a live page; -o picture.png (.json, .svg, .html) writes it.
"""

app = cyclopts.App(name="look", help=HELP, help_format="plaintext")

Flag = Annotated[bool, Parameter(negative=())]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Which:
    """Which picture; attention (or what stands in its place) where none is named."""

    attention: Flag = False
    "Which position takes how much from which, by layer and head."
    lens: Flag = False
    "What each layer would say next, read by the model's own last norm and head."
    tokens: Flag = False
    "How likely each token was, and what else was likely."
    sampling: Flag = False
    "The next token's probabilities, and what temperature, top-k, top-p and min-p leave of them."
    norms: Flag = False
    "How long the residual stream and its gradients are, layer by layer."
    memory: Flag = False
    "Bytes of cache by length."
    decay: Flag = False
    "What a state forgets, token by token."
    patches: Flag = False
    "What the parts of a picture give to each other and to the answer."
    likeness: Flag = False
    "Texts or pictures against each other."
    alignment: Flag = False
    "Which part of a sound or of a sentence each written word comes from."
    diagram: Flag = False
    "How the model is built, drawn from its modules."

    @property
    def name(self) -> str:
        """The one that was asked for.

        Raises:
            HeadwayError: two were.
        """
        asked = [name for name in self.__dataclass_fields__ if getattr(self, name)]
        if len(asked) > 1:
            raise HeadwayError(f"one picture at a time: --{' or --'.join(asked)}.")
        return asked[0] if asked else "attention"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is changed in the model before it runs."""

    off: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()
    "A layer (3), its attention or MLP (3.mlp), or a head of it (3.2) passes nothing on; can be given several times."
    scale: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()
    "A neuron of an MLP times a number: 3.mlp.120=0."
    norm: str | None = None
    "Where the norms of the blocks stand: post (after the sums, as in 2017), or none at all."
    patch: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()
    "After a layer, a token's vector from another text: '5:3=another text' (layer 5, token 3)."

    @property
    def words(self) -> tuple[str, ...]:
        """Those that the page can show, as `headway.look.parse` takes them."""
        return (*self.off, *self.scale, *([f"norm={self.norm}"] if self.norm else []))

    def edits(self, own: Path | None) -> list[Edit]:
        """As `headway.look` takes them."""
        from headway.look import Off, Own, Patch, Scale, parse

        found: list[Any] = []
        for option, kind, words in (("--off", Off, self.off), ("--scale", Scale, self.scale)):
            for word in words:
                edit = parse(word)
                if not isinstance(edit, kind):
                    raise HeadwayError(f"{option} {word}: `headway look --help` shows what it takes.")
                found.append(edit)
        if self.norm is not None:
            if self.norm not in ("post", "none"):
                raise HeadwayError(f"--norm is post or none, not {self.norm}.")
            found.append(parse(f"norm={self.norm}"))
        for word in self.patch:
            match = re.fullmatch(r"((?:[a-z][\w.]*\.)?\d+):(-?\d+)=(.+)", word, re.DOTALL)
            if match is None:
                raise HeadwayError(f"--patch {word}: give LAYER:TOKEN=TEXT, such as '5:3=another text'.")
            layer = int(match[1]) if match[1].isdecimal() else match[1]
            found.append(Patch(layer, int(match[2]), plain(match[3])))
        if own is not None:
            found.append(Own(own))
        return found


@app.default
def look(
    name: str,
    /,
    *given: Annotated[str, Parameter(allow_leading_hyphen=True)],
    which: Which = Which(),
    change: Changes = Changes(),
    layer: Whole | None = None,
    head: Whole | None = None,
    target: str | None = None,
    output: Annotated[Path | None, Parameter(name=("--output", "-o"))] = None,
    open_: Annotated[bool, Parameter(name="--open", negative=())] = False,
    browser: bool = True,
    options: Options = Options(),
) -> int:
    """See what goes on inside a model. What is drawn is what was computed in this run.

    Parameters
    ----------
    name
        As for `headway run`; for --diagram and --memory, architectures and presets of `headway models` too.
    given
        What the model is given: words, or files for models that see or hear.
    layer
        Which layer's attention to print, counted from 0 in the order in which they run; if left out the one in the
        middle, or the last that looks at a source.
    head
        Which head; the mean of all if left out.
    target
        What an encoder-decoder writes; its own answer if left out.
    output
        A file to write: .png, .svg, .pdf, .json, or .html (a page of its own, live, without a network).
    open_
        Show it in the browser, live: change the text, the picture, what is switched off.
    browser
        With --open: start a browser; --no-browser only prints the address.
    """
    kind = which.name
    for word in given:
        if re.fullmatch(r"--?[a-zA-Z][\w-]*(=.*)?", word):
            raise HeadwayError(f"there is no option {word}. `headway look --help` shows what there is.")
    words = [plain(word) for word in given]
    if output is not None and output.suffix.lower() not in (".json", ".html", ".png", ".svg", ".pdf"):
        raise HeadwayError(f"-o {output} should end in .png, .svg, .pdf, .json or .html.")
    if (layer is not None or head is not None) and kind != "attention":
        raise HeadwayError(f"--layer and --head choose in --attention, not in --{kind}.")
    if kind not in ("memory", "diagram"):
        check_name(name)
        if not words or not all(word.strip() for word in words):
            raise HeadwayError(f'give the model something to look at: headway look {name} "a text" (or a file).')
    options.check()
    if open_:
        if output is not None:
            raise HeadwayError("--open shows it, -o writes it: one of the two (-o picture.html is a page to keep).")
        change.edits(options.own)
        return _open(name, kind, words, change, options.own, browser)
    picture = _picture(kind, name, words, target, change, options)
    if output is not None:
        picture.save(output)
        err().print(f"{picture.title}: {output}", markup=False, highlight=False)
    else:
        _print(picture, kind, layer, head)
    return 0


TARGETED = ("attention", "lens", "tokens", "sampling", "norms", "decay", "alignment", "patches")
"""What --target means something for."""


def _picture(kind: str, name: str, words: list[str], target: str | None, change: Changes, options: Options) -> Picture:
    """Load the model, and look."""
    from headway import look as looking

    if target is not None and kind not in TARGETED:
        raise HeadwayError(f"--target is for --{', --'.join(TARGETED)}, not for --{kind}.")
    if kind == "memory":
        return looking.memory([name, *words])
    if kind == "diagram":
        return looking.diagram(name)
    loaded: Loaded = options.load(name)
    edits = change.edits(options.own)
    if kind == "likeness":
        picture = _likeness(loaded, words, edits)
    elif kind == "sampling":
        how = options.sampling(temperature=1.0, top_p=1.0)
        picture = looking.sampling(loaded, " ".join(words), target=target, dials=how, edits=edits)
    else:
        more = {"target": target} if kind in TARGETED else {}
        picture = getattr(looking, kind)(loaded, " ".join(words), edits=edits, **more)
    used(name)
    return picture


def _likeness(loaded: Loaded, words: list[str], edits: list[Edit]) -> Picture:
    """A CLIP is given pictures and texts, the files first; other models only one of them."""
    from headway import look as looking

    if loaded.entry.kind != "vision-text":
        return looking.likeness(loaded, words, edits=edits)
    files = [word for word in words if Path(word).is_file()]
    texts = [word for word in words if word not in files]
    return looking.likeness(loaded, files or texts, texts if files and texts else None, edits=edits)


def _print(picture: Picture, kind: str, layer: int | None, head: int | None) -> None:
    console = out()
    console.print(picture.title, style="bold", markup=False, highlight=False)
    for edit in picture.edits:
        console.print(edit, style="yellow", markup=False, highlight=False)
    lines = picture.lines(min(console.width, 120)) if kind != "attention" else _of(picture, layer, head, console.width)
    for line in lines:
        console.print(line, highlight=False, soft_wrap=not console.is_terminal)
    if kind == "attention":
        err().print("--open shows all layers and heads; --layer and --head choose one here.", style="dim")


def _of(picture: Any, layer: int | None, head: int | None, width: int) -> Any:
    n = len(picture.layers)
    if layer is not None and not -n <= layer < n:
        raise HeadwayError(f"there is no layer {layer}: they are counted from 0 to {n - 1}.")
    layer = picture.first if layer is None else layer
    shown = picture.layers[layer]
    if head is not None and not 0 <= head < len(shown.heads):
        raise HeadwayError(
            f"there is no head {head} in {shown.place}: they are counted from 0 to {len(shown.heads) - 1}."
        )
    return picture.of(layer, head, min(width, 120))


def _open(name: str, kind: str, words: list[str], change: Changes, own: Path | None, browser: bool) -> int:
    """The live page, beside the lessons, with this look in it."""
    port, token = free_port(), secrets.token_urlsafe(32)
    first = {"model": name, "text": " ".join(words), "picture": kind, "change": " ".join(change.words)}
    if own is not None:
        first["with"] = str(own.absolute())
    query = urlencode({"access_token": token} | {key: value for key, value in first.items() if value})
    request = {"file": None, "topic": None, "edit": False, "port": port, "token": token, "looks": True}
    return serve(request, "Look inside", f"http://127.0.0.1:{port}/look/?{query}", browser=browser)
