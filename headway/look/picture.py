"""What every picture is: plain data that can be printed, saved as JSON, PNG or a page of its own, or shown as a widget.

A picture is a frozen dataclass of numbers, texts, tensors and more of its kind. It is computed once, and every way to show it
reads the same numbers.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import html
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from rich.text import Text
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.base.files import write_bytes, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDGETS = Path(__file__).parent / "widgets"
FORMATS = (".json", ".html", ".png", ".svg", ".pdf")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """What goes on inside a model, as data.

    Attributes:
        title: What is shown, of which model.
        edits: What was changed in the model before it ran, in words; empty where it ran as it is.
    """

    kind: ClassVar[str]
    """The file under widgets/ that draws it, without its ending."""

    title: str
    edits: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Everything in it as JSON knows it: tensors become nested lists of numbers, NaN and infinities None."""
        return {"picture": self.kind, **_plain(self)}

    def lines(self, width: int = 100) -> list[Text]:
        """The picture for a terminal of `width` columns, without its title and edits."""
        raise NotImplementedError

    def draw(self, figure: Figure) -> None:
        """Draw it with matplotlib."""
        raise NotImplementedError

    def __str__(self) -> str:
        return "\n".join((self.title, *self.edits, *(line.plain.rstrip() for line in self.lines())))

    def figure(self, size: tuple[float, float] = (8.0, 4.5)) -> Figure:
        """The picture as a matplotlib figure; `size` in inches."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=size, dpi=150, layout="constrained")
        self.draw(figure)
        return figure

    def widget(self, **view: Any) -> Any:
        """The picture as a live widget (an anywidget), for a notebook or a lesson.

        Another picture of the same kind takes its place without a flicker: ``widget.data = other.packed()``.

        Args:
            view: What is chosen at first, such as ``layer=3, head=1``; the widget keeps it in its ``view``.
        """
        return _widget_class(self.kind)(data=self.packed(), view=view)

    def packed(self) -> dict[str, Any]:
        """`as_dict` for a browser: tensors as short strings, exact to a part in 65,535 of their range."""
        return {"picture": self.kind, **_packed(self)}

    def page(self, **view: Any) -> str:
        """An HTML page with the picture, live, that needs no server and no network."""
        return PAGE.format(
            title=html.escape(self.title),
            module=base64.b64encode(_module(self.kind).encode()).decode(),
            data=_script(self.packed()),
            view=_script(view),
        )

    def save(self, path: Path | str) -> Path:
        """Write it to `path`: .json, .html, .png, .svg or .pdf, by the ending.

        Raises:
            HeadwayError: another ending.
        """
        path = Path(path)
        ending = path.suffix.lower()
        if ending not in FORMATS:
            raise HeadwayError(f"{path} should end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}.")
        if ending == ".json":
            write_text(path, json.dumps(self.as_dict(), ensure_ascii=False, allow_nan=False) + "\n")
        elif ending == ".html":
            write_text(path, self.page())
        else:
            buffer = io.BytesIO()
            self.figure().savefig(buffer, format=ending[1:])
            write_bytes(path, buffer.getvalue())
        return path


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Tensor):
        return _plain(value.detach().cpu().tolist())
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    return value


def _packed(value: Any) -> Any:
    if isinstance(value, Tensor):
        return pack(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _packed(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _packed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_packed(item) for item in value]
    return _plain(value)


def pack(values: Tensor) -> dict[str, Any]:
    """A tensor as text: its shape, its lowest and highest finite value, and 16 bits for each entry between them.

    The highest code, 65,535, stands for what is not finite.
    """
    values = values.detach().double().cpu()
    finite = values.isfinite()
    seen = values[finite]
    low, high = (float(seen.min()), float(seen.max())) if seen.numel() else (0.0, 0.0)
    steps = ((values - low) / ((high - low) or 1.0) * 65534).round()
    codes = torch.where(finite, steps.nan_to_num(0.0, 0.0, 0.0), torch.full_like(steps, 65535.0)).to(torch.int32)
    data = codes.numpy().astype("<u2").tobytes()
    return {"shape": list(values.shape), "low": low, "high": high, "codes": base64.b64encode(data).decode()}


def _script(value: Any) -> str:
    """JSON that may stand inside a <script> element."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def _module(kind: str) -> str:
    """The ES module that draws a kind of picture: what all share, then its own."""
    return "\n".join((WIDGETS / f"{name}.js").read_text(encoding="utf-8") for name in ("common", kind))


def empty_widget(kind: str) -> Any:
    """The widget of a kind of picture with nothing in it yet: ``widget.data = picture.packed()`` fills it."""
    return _widget_class(kind)(data={}, view={})


@functools.cache
def _widget_class(kind: str) -> type:
    import anywidget
    import traitlets

    return type(
        f"{kind.capitalize()}Widget",
        (anywidget.AnyWidget,),
        {
            "__doc__": f"The picture `{kind}`, live.",
            "__module__": __name__,
            "_esm": _module(kind),
            "data": traitlets.Dict().tag(sync=True),
            "view": traitlets.Dict().tag(sync=True),
        },
    )


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ margin: 0 auto; padding: 1rem; max-width: 60rem; font: 16px/1.5 system-ui, sans-serif; }}
  body {{ background: light-dark(#fff, #181a1f); color: light-dark(#1c1e21, #e6e6e6); }}
</style>
<main id="here"></main>
<script type="application/json" id="data">{data}</script>
<script type="application/json" id="view">{view}</script>
<script type="module">
  const state = {{}}, heard = {{}};
  for (const name of ["data", "view"]) state[name] = JSON.parse(document.getElementById(name).textContent);
  const model = {{
    get: (name) => state[name],
    set: (name, value) => {{ state[name] = value; (heard["change:" + name] ?? []).forEach((f) => f()); }},
    save_changes: () => {{}},
    on: (name, f) => {{ (heard[name] ??= []).push(f); }},
    off: (name, f) => {{ heard[name] = (heard[name] ?? []).filter((g) => g !== f); }},
  }};
  const module = await import("data:text/javascript;base64,{module}");
  module.default.render({{ model, el: document.getElementById("here") }});
</script>
</html>
"""
