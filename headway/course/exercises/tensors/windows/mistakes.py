"""Wrong answers to sliding windows that people really give."""

import torch
import torch.nn.functional as F

from headway.learn.cases import mistake, switches


def windows(
    x, width, step=1, *, _count="fits", _start="step", _place=1, _axes="n w", _order=1, _pad=False, _wrap=False
):
    """The right answer, with a switch per mistake."""
    t = x.shape[-1]
    n = {
        "fits": (t - width) // step + 1,
        "one less": max((t - width) // step, 0),
        "as if step 1": t - width + 1,
        "ceil": -(-(t - width + 1) // step) if step > 1 else t - width + 1,
        "no width": -(-t // step),
        "whole": t // width,
    }[_count]
    stride = {"step": step, "1": 1, "width": width}[_start]
    index = torch.arange(n)[:, None] * stride + torch.arange(width)[::1] * _place
    if _order < 0:
        index = index.flip(-1)
    if _wrap:
        index = index % t
    if _pad:
        x = F.pad(x, (0, max(int(index.max()) + 1 - t, 0)) if index.numel() else (0, 0))
    out = x[..., index]
    return out.transpose(-1, -2) if _axes == "w n" else out


INDEX = switches(
    windows,
    {
        "one_window_short": (
            "the last window is missing: (t - width)//step windows start after the first, so there are one more",
            {"_count": "one less"},
        ),
        "step_ignored": (
            "the argument `step` is not used: with step={step} the windows still start at 0, 1, 2, ...",
            {"_start": "1", "_count": "as if step 1"},
        ),
        "step_only_in_the_count": (
            "there are as many windows as with step={step}, but they start at 0, 1, 2, ...: the stride of their axis has to be "
            "step times that of x",
            {"_start": "1"},
        ),
        "windows_side_by_side": (
            "the windows lie side by side (view, chunk): they have to start every `step` elements and overlap where step is less "
            "than width",
            {"_start": "width", "_count": "whole"},
        ),
        "places_in_steps": (
            "within a window the places are two apart (a dilation): a window holds neighbours, and the step is from window to "
            "window",
            {"_place": 2, "_pad": True},
        ),
        "axes_swapped": (
            "the last two axes are swapped: (... width n) in place of (... n width)",
            {"_axes": "w n"},
        ),
        "windows_reversed": ("every window is reversed: place 0 is its first element", {"_order": -1}),
        "padded_at_the_end": (
            "windows that do not fit are filled with zeros: only whole windows are asked for",
            {"_count": "no width", "_pad": True},
        ),
        "wrapped_around": (
            "windows at the end go on at the beginning (roll): only windows that fit whole are asked for",
            {"_count": "no width", "_wrap": True},
        ),
    },
)


@mistake("width and step have changed places: windows of {step}, a step of {w}")
def width_and_step_swapped(x, width, step=1):
    return x.unfold(-1, min(step, x.shape[-1]), width)


@mistake(
    "the strides are written down as for a fresh tensor (t, 1): after a transpose or a slice they are others, and the windows "
    "are then of other elements. Take x.stride()",
    kind="layout",
)
def strides_of_a_fresh_tensor(x, width, step=1):
    n = (x.shape[-1] - width) // step + 1
    lead = []
    size = x.shape[-1]
    for axis in reversed(x.shape[:-1]):
        lead.insert(0, size)
        size *= axis
    return x.as_strided((*x.shape[:-1], n, width), (*lead, step, 1), x.storage_offset())


@mistake(
    "the strides are in bytes, as numpy's are: torch counts in elements, so one step along x is x.stride(-1), without the 8 "
    "bytes of a float64"
)
def strides_in_bytes(x, width, step=1):
    n = (x.shape[-1] - width) // step + 1
    size = x.element_size()
    strides = (*[s * size for s in x.stride()[:-1]], step * size, size)
    return torch.as_strided(x, (*x.shape[:-1], n, width), strides, x.storage_offset())


@mistake("the windows are taken along the first axis: they slide along the last")
def along_the_first_axis(x, width, step=1):
    return x.unfold(0, min(width, x.shape[0]), step)
