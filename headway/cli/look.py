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
from headway.base.edits import Edit, Off, Own, Patch, Scale, parse
from headway.base.errors import HeadwayError
from headway.base.files import expanded
from headway.cli.shared.inputs import files
from headway.cli.shared.numbers import Whole
from headway.cli.shared.options import Options
from headway.cli.shared.serving import free_port, serve
from headway.cli.shared.writing import plain
from headway.learn.progress import used
from headway.zoo import check_name, kind_of

if TYPE_CHECKING:
    from headway.look import Picture
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

    @property
    def given(self) -> str | None:
        """The first option that was given."""
        return next((f"--{name}" for name in self.__dataclass_fields__ if getattr(self, name)), None)

    def edits(self) -> list[Edit]:
        """As `headway.look` takes them.

        Raises:
            HeadwayError: words that name no change.
        """
        found: list[Edit] = []
        for option, kind, words in (("--off", Off, self.off), ("--scale", Scale, self.scale)):
            for word in words:
                edit = parse(word)
                if not isinstance(edit, kind):
                    how = "3 (a layer), 3.mlp, 3.2 (its head 2)" if kind is Off else "3.mlp.120=0 (a neuron times 0)"
                    raise HeadwayError(f"{option} {word}: it takes {how}.")
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
        return found


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SamplingDials:
    """What --sampling does to the next token's probabilities."""

    temperature: float | None = None
    "For --sampling: 0 takes the likeliest token; higher is more surprising."
    top_k: Whole | None = None
    "For --sampling: only the k likeliest tokens (0: all)."
    top_p: float | None = None
    "For --sampling: only the likeliest tokens that reach this probability together (1: all)."
    min_p: float | None = None
    "For --sampling: only tokens at least this fraction as likely as the likeliest (0: all)."
    repetition_penalty: float | None = None
    "For --sampling: what the logits of tokens already said are divided by (1: nothing)."

    @property
    def given(self) -> dict[str, Any]:
        """Those that were given."""
        return {name: value for name in self.__dataclass_fields__ if (value := getattr(self, name)) is not None}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Loading:
    """How the model is loaded."""

    dtype: str | None = None
    "float32, bfloat16, float16 or float64."
    device: str | None = None
    "cpu, cuda, cuda:1, mps."
    with_: Annotated[Path | None, Parameter(name="--with")] = None
    "A file of yours (or an exercise) whose functions take the place of Headway's inside the model."

    @property
    def given(self) -> str | None:
        """The first option that was given."""
        names = {"--dtype": self.dtype, "--device": self.device, "--with": self.with_}
        return next((name for name, value in names.items() if value is not None), None)


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
    dials: SamplingDials = SamplingDials(),
    loading: Loading = Loading(),
) -> int:
    """See what goes on inside a model. What is drawn is what was computed in this run.

    Parameters
    ----------
    name
        As for `headway run`; for --diagram and --memory, architectures and presets of `headway models` too.
    given
        What the model is given: words, or files for models that see or hear.
    layer
        Which layer's attention to show, counted from 0 in the order in which they run; if left out the one in the
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
    options = Options(**dials.given, dtype=loading.dtype, device=loading.device, with_=loading.with_)
    view = {
        name: value
        for name, value in (("layers", layer if layer is None else [layer]), ("head", head))
        if value is not None
    }
    _refuse(kind, view, target, change, dials, loading)
    edits = change.edits()
    if output is not None:
        _check_file(output)
    if not (browser or open_):
        raise HeadwayError("--no-browser goes with --open: without it nothing is opened.")
    if kind == "diagram" and words:
        raise HeadwayError(f"--diagram draws how {name} is built, whatever it is given: leave '{words[0]:.40}' out.")
    if kind not in UNFED:
        check_name(name)
        _check_inputs(name, kind, words, target)
    options.check()
    if options.own is not None:
        edits.append(Own(options.own))
    if open_:
        _refuse_in_page(output, view, target, change, dials, loading)
        return _open(name, kind, words, change, options.own, browser)
    picture = _picture(kind, name, words, target, view, edits, options)
    if output is not None:
        picture.save(output)
        err().print(f"{picture.title}: {output}", markup=False, highlight=False)
    else:
        _print(picture)
    return 0


UNFED = ("memory", "diagram")
"""Pictures of a model that is given nothing."""

MADE_OF: dict[str, tuple[tuple[str, ...], str]] = {
    "lens": (("decoder", "encoder", "encoder-decoder", "speech"), "gives no probabilities of tokens"),
    "tokens": (("decoder", "encoder", "encoder-decoder", "speech"), "gives no probabilities of tokens"),
    "sampling": (("decoder", "encoder-decoder", "speech"), "does not go on with a text"),
    "decay": (("decoder", "encoder-decoder"), "has no state that decays"),
    "patches": (("vision", "vision-text", "vision-decoder"), "sees no pictures"),
    "likeness": (("encoder", "vision", "vision-text"), "makes no vectors to compare"),
    "alignment": (("encoder-decoder", "speech"), "writes nothing from a source"),
}
"""Picture -> the kinds of models that may have it, and why others have not."""

SEES_OR_HEARS = {
    "vision": "pictures",
    "vision-decoder": "pictures",
    "speech": "a .wav file",
    "decision": "an episode, a .json or .npz file",
}
"""Kinds of models that are given files, and what is in them."""

TWO_INPUTS = ("encoder-decoder", "speech", "vision-text", "vision-decoder")
"""Kinds of models that are given a second input."""

TARGETED = ("attention", "lens", "tokens", "sampling", "norms", "decay", "alignment", "patches")
"""What --target means something for."""


def _refuse(
    kind: str, view: dict[str, Any], target: str | None, change: Changes, dials: SamplingDials, loading: Loading
) -> None:
    """One line for an option that means nothing to this picture."""
    if view and kind != "attention":
        raise HeadwayError(f"--layer and --head choose in --attention, not in --{kind}.")
    if target is not None and kind not in TARGETED:
        raise HeadwayError(f"--target is for --{', --'.join(TARGETED)}, not for --{kind}.")
    if dials.given and kind != "sampling":
        raise HeadwayError(f"--{next(iter(dials.given)).replace('_', '-')} is a dial of --sampling, not of --{kind}.")
    if kind in UNFED and (option := change.given or loading.given):
        raise HeadwayError(f"--{kind} runs no model: {option} changes nothing in it.")


def _refuse_in_page(
    output: Path | None,
    view: dict[str, Any],
    target: str | None,
    change: Changes,
    dials: SamplingDials,
    loading: Loading,
) -> None:
    """One line for an option that the live page does not take."""
    if output is not None:
        raise HeadwayError("--open shows it, -o writes it: one of the two (-o picture.html is a page to keep).")
    if change.patch or target is not None or loading.dtype or loading.device:
        given = {"--patch": change.patch, "--target": target, "--dtype": loading.dtype, "--device": loading.device}
        option = next(name for name, value in given.items() if value)
        raise HeadwayError(f"{option} is not in the live page: leave --open out, or write a page with -o picture.html.")
    if view or dials.given:
        name = next(iter(view or dials.given)).replace("_", "-").removesuffix("s")
        raise HeadwayError(f"the live page has a control for --{name}: leave it out with --open.")


def _check_file(path: Path) -> None:
    """Refuse, before a model is loaded for it, a file that could not be written, or is no picture's."""
    if path.suffix.lower() not in (".json", ".html", ".png", ".svg", ".pdf"):
        raise HeadwayError(f"-o {path} should end in .png, .svg, .pdf, .json or .html.")
    if path.is_dir() or next(parent for parent in path.absolute().parents if parent.exists()).is_file():
        raise HeadwayError(f"-o {path}: that is a folder, or lies below a file. Name a file.")


def _check_inputs(name: str, kind: str, words: list[str], target: str | None) -> None:
    """Refuse, before a model is loaded for it, what it cannot be shown on; of a kind that only loading tells nothing is said."""
    made = kind_of(name)
    if made is not None and kind in MADE_OF and made not in MADE_OF[kind][0]:
        raise HeadwayError(f"{name} {MADE_OF[kind][1]}: there is no --{kind} of it.")
    if made is not None and target is not None and made not in TWO_INPUTS:
        raise HeadwayError(f"{name} takes one input: --target is for encoder-decoders, Whisper, CLIP and LLaVA.")
    if not words or not all(word.strip() for word in words):
        raise HeadwayError(f'give the model something to look at: headway look {name} "a text" (or a file).')
    if kind == "likeness" and len(words) < 2:
        raise HeadwayError('give two or more to compare: headway look MODEL "a cat" "a dog" --likeness.')
    if made in SEES_OR_HEARS:
        if kind != "likeness" and len(words) > 1:
            raise HeadwayError(f"one file at a time: {name} was given {len(words)}.")
        files(words, SEES_OR_HEARS[made])


def _picture(
    kind: str,
    name: str,
    words: list[str],
    target: str | None,
    view: dict[str, Any],
    edits: list[Edit],
    options: Options,
) -> Picture:
    """Load the model, and look."""
    from headway import look as looking

    if kind == "memory":
        return looking.memory([_sized(each, options) for each in (name, *words)])
    if kind == "diagram":
        return looking.diagram(_sized(name, options))
    loaded: Loaded = options.load(name)
    if loaded.entry.kind in SEES_OR_HEARS:
        words = [str(expanded(word)) for word in words]
    if kind == "likeness":
        picture = _likeness(loaded, words, edits)
    elif kind == "sampling":
        how = options.sampling(temperature=1.0, top_p=1.0)
        picture = looking.sampling(loaded, " ".join(words), target=target, dials=how, edits=edits)
    else:
        more = view | ({"target": target} if kind in TARGETED else {})
        picture = getattr(looking, kind)(loaded, " ".join(words), edits=edits, **more)
    used(name)
    return picture


def _sized(name: str, options: Options) -> Loaded | str:
    """A model at hand whose size stands in no model's file is loaded; other names are those of a size or an architecture."""
    from headway.look.memory import preset_of

    if kind_of(name) is None:
        return name
    try:
        preset_of(name)
    except HeadwayError:
        return options.load(name)
    return name


def _likeness(loaded: Loaded, words: list[str], edits: list[Edit]) -> Picture:
    """A CLIP is given pictures and texts, the files first; other models only one of them."""
    from headway import look as looking

    if loaded.entry.kind != "vision-text":
        return looking.likeness(loaded, words, edits=edits)
    files = [word for word in words if Path(word).is_file()]
    texts = [word for word in words if word not in files]
    return looking.likeness(loaded, files or texts, texts if files and texts else None, edits=edits)


def _print(picture: Picture) -> None:
    console = out()
    console.print(picture.title, style="bold", markup=False, highlight=False)
    for edit in picture.edits:
        console.print(edit, style="yellow", markup=False, highlight=False)
    for line in picture.lines(min(console.width, 120)):
        console.print(line, highlight=False, soft_wrap=not console.is_terminal)
    if picture.kind == "attention":
        err().print("--open shows all layers and heads; --layer and --head choose one here.", style="dim")


def _open(name: str, kind: str, words: list[str], change: Changes, own: Path | None, browser: bool) -> int:
    """The live page, beside the lessons, with this look in it."""
    port, token = free_port(), secrets.token_urlsafe(32)
    first = {"model": name, "text": " ".join(words), "picture": kind, "change": " ".join(change.words)}
    if own is not None:
        first["with"] = str(own.absolute())
    query = urlencode({"access_token": token} | {key: value for key, value in first.items() if value})
    request = {"file": None, "topic": None, "edit": False, "port": port, "token": token, "looks": True}
    return serve(request, "Look inside", f"http://127.0.0.1:{port}/look/?{query}", browser=browser)
