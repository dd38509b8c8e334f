"""What goes on inside a model, as pictures: computed once as plain data, drawn anywhere.

    from headway import look, zoo

    smol = zoo.load("smollm2-135m")
    picture = look.attention(smol, "The animal didn't cross the street because it was too tired")
    print(picture)                  # in the terminal
    picture.save("attention.png")   # or .json, .svg, .html: a page of its own that needs no network
    picture.widget()                # in a notebook: an anywidget

Every function takes `edits`: what is changed in the model before it runs (`look.Off`, `Scale`, `Norm`, `Patch`, `Own`).
"""

from headway.look.alignment import Alignment, alignment
from headway.look.attention import Attention, attention
from headway.look.by_hand import ByHand, by_hand
from headway.look.decay import Decay, decay
from headway.look.diagram import Diagram, diagram
from headway.look.editing import Edit, Norm, Off, Own, Patch, Scale, parse
from headway.look.lens import Lens, lens
from headway.look.likeness import Cosines, likeness
from headway.look.memory import CacheSizes, memory
from headway.look.norms import Norms, norms
from headway.look.patches import Patches, patches
from headway.look.picture import Picture
from headway.look.sampling import Dials, sampling
from headway.look.tokens import Tokens, tokens
from headway.look.tracing import Trace, trace

__all__ = [
    "Alignment",
    "Attention",
    "ByHand",
    "CacheSizes",
    "Cosines",
    "Decay",
    "Diagram",
    "Dials",
    "Edit",
    "Lens",
    "Norm",
    "Norms",
    "Off",
    "Own",
    "Patch",
    "Patches",
    "Picture",
    "Scale",
    "Tokens",
    "Trace",
    "alignment",
    "attention",
    "by_hand",
    "decay",
    "diagram",
    "lens",
    "likeness",
    "memory",
    "norms",
    "parse",
    "patches",
    "sampling",
    "tokens",
    "trace",
]
