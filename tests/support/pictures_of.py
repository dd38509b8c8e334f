"""One picture of every kind that look draws of attention, patches, likeness and alignment, of tiny models."""

from __future__ import annotations

from support.looks import inputs, loaded
from support.numerics import make

from headway import look


def given(name: str, n: int = 0, seed: int = 0):
    model = loaded(name, make(name, n))
    first, target = inputs(name, model.model, seed)
    return model, first, target


def attention_of(name: str, n: int = 0, **more) -> look.Attention:
    model, first, target = given(name, n)
    return look.attention(model, first, target=target, **more)


def every_picture() -> dict[str, look.Picture]:
    clip, seen, caption = given("clip")
    vit, pixels, _ = given("vit", 3)
    whisper, frames, said = given("whisper")
    bert, text, _ = given("bert", 4)
    source = given("transformer")
    return {
        "causal": attention_of("llama"),
        "windows": attention_of("mistral"),
        "cross": attention_of("transformer"),
        "signed": attention_of("mamba2"),
        "channels": attention_of("mamba"),
        "retention": attention_of("retnet"),
        "recurrent": attention_of("seq2seq"),
        "picture": attention_of("vit"),
        "two towers": attention_of("clip"),
        "patches": look.patches(vit, pixels),
        "texts": look.likeness(bert, [text, "another text", "third"]),
        "pictures and texts": look.likeness(clip, [seen, -seen], [caption, "brown"]),
        "translation": look.alignment(source[0], source[1], target=source[2]),
        "speech": look.alignment(whisper, frames, target=said),
    }


PICTURES = every_picture()
