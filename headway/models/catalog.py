"""Every architecture Headway has, as one literal table. Importing it imports no torch and no model.

A test holds it against the files of this folder, the weight tables, the tiny configurations of the tests, and the path.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Literal

from headway.base.errors import Unsupported, did_you_mean

Kind = Literal["decoder", "encoder", "encoder-decoder", "vision", "vision-text", "vision-decoder", "speech", "decision"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One architecture.

    Attributes:
        name: The file under headway/models, and the name on the command line.
        title: For people.
        papers: Keys of course/papers.toml, the defining one first.
        model, config: Names of the classes in the file.
        kind: What goes in and what comes out: which laws apply and what `headway run` does.
            decoder: ids -> logits of the next id, with a cache. encoder: ids -> states. encoder-decoder: ids, ids -> logits.
        forms: Ways to compute the same thing, each proved equal to the others.
        follows: The architecture it is best read against (`headway diff`).
        hf: Class names in the `architectures` of a Hugging Face config.json that load into it.
        gguf: Values of a GGUF file's `general.architecture` that load into it.
    """

    name: str
    title: str
    papers: tuple[str, ...]
    model: str
    config: str
    kind: Kind
    forms: tuple[str, ...] = ("parallel", "cached")
    follows: str | None = None
    hf: tuple[str, ...] = ()
    gguf: tuple[str, ...] = ()

    def load(self) -> tuple[type, type]:
        """Import the file; return the model's class and its configuration's class."""
        module = importlib.import_module(f"headway.models.{self.name}")
        return getattr(module, self.model), getattr(module, self.config)


CATALOG: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            name="bigram",
            title="Bigram",
            papers=("shannon",),
            model="Bigram",
            config="BigramConfig",
            kind="decoder",
            forms=("parallel", "recurrent"),
        ),
        Entry(
            name="mlp_lm",
            title="Neural language model (2003)",
            papers=("neural-lm",),
            model="MLPLM",
            config="MLPLMConfig",
            kind="decoder",
            forms=("parallel", "recurrent"),
            follows="bigram",
        ),
        Entry(
            name="gru",
            title="GRU",
            papers=("gru", "rnn-difficulty"),
            model="GRU",
            config="GRUConfig",
            kind="decoder",
            forms=("by hand", "recurrent"),
            follows="mlp_lm",
        ),
        Entry(
            name="lstm",
            title="LSTM",
            papers=("lstm", "rnn-difficulty"),
            model="LSTM",
            config="LSTMConfig",
            kind="decoder",
            forms=("by hand", "recurrent"),
            follows="gru",
        ),
        Entry(
            name="seq2seq",
            title="Recurrent encoder-decoder with attention",
            papers=("bahdanau", "luong", "seq2seq", "gru"),
            model="Seq2Seq",
            config="Seq2SeqConfig",
            kind="encoder-decoder",
            forms=("parallel", "recurrent"),
            follows="gru",
        ),
        Entry(
            name="transformer",
            title="Transformer (2017)",
            papers=("transformer", "pre-ln", "deepnet", "rezero"),
            model="Transformer",
            config="TransformerConfig",
            kind="encoder-decoder",
            follows="seq2seq",
            hf=("MarianMTModel",),
        ),
        Entry(
            name="bert",
            title="BERT",
            papers=("bert",),
            model="Bert",
            config="BertConfig",
            kind="encoder",
            forms=("padded", "packed"),
            follows="transformer",
            hf=(
                "BertForPreTraining",
                "BertForMaskedLM",
                "BertForSequenceClassification",
                "BertForTokenClassification",
                "BertModel",
            ),
        ),
        Entry(
            name="roberta",
            title="RoBERTa",
            papers=("roberta",),
            model="Roberta",
            config="RobertaConfig",
            kind="encoder",
            forms=("padded", "packed"),
            follows="bert",
            hf=(
                "RobertaForMaskedLM",
                "RobertaForSequenceClassification",
                "RobertaForTokenClassification",
                "RobertaModel",
                "XLMRobertaForMaskedLM",
                "XLMRobertaForSequenceClassification",
                "XLMRobertaForTokenClassification",
                "XLMRobertaModel",
            ),
        ),
        Entry(
            name="t5",
            title="T5 and T5 v1.1",
            papers=("t5", "glu-variants"),
            model="T5",
            config="T5Config",
            kind="encoder-decoder",
            follows="transformer",
            hf=("T5ForConditionalGeneration", "MT5ForConditionalGeneration"),
        ),
        Entry(
            name="whisper",
            title="Whisper",
            papers=("whisper",),
            model="Whisper",
            config="WhisperConfig",
            kind="speech",
            follows="transformer",
            hf=("WhisperForConditionalGeneration",),
        ),
        Entry(
            name="gpt2",
            title="GPT-2",
            papers=("gpt2",),
            model="GPT2",
            config="GPT2Config",
            kind="decoder",
            follows="transformer",
            hf=("GPT2LMHeadModel", "GPT2Model"),
        ),
        Entry(
            name="llama",
            title="Llama 1 to 3",
            papers=("llama", "llama2", "llama3"),
            model="Llama",
            config="LlamaConfig",
            kind="decoder",
            follows="gpt2",
            hf=("LlamaForCausalLM", "LlamaModel"),
            gguf=("llama",),
        ),
        Entry(
            name="mistral",
            title="Mistral",
            papers=("mistral",),
            model="Mistral",
            config="MistralConfig",
            kind="decoder",
            follows="llama",
            hf=("MistralForCausalLM", "MistralModel"),
        ),
        Entry(
            name="qwen",
            title="Qwen2 and Qwen3",
            papers=("qwen2", "qwen3"),
            model="Qwen",
            config="QwenConfig",
            kind="decoder",
            follows="llama",
            hf=("Qwen2ForCausalLM", "Qwen3ForCausalLM", "Qwen2Model", "Qwen3Model"),
        ),
        Entry(
            name="olmo2",
            title="OLMo 2",
            papers=("olmo2",),
            model="Olmo2",
            config="Olmo2Config",
            kind="decoder",
            follows="llama",
            hf=("Olmo2ForCausalLM", "Olmo2Model"),
        ),
        Entry(
            name="gemma",
            title="Gemma 1 to 3",
            papers=("gemma", "gemma2", "gemma3"),
            model="Gemma",
            config="GemmaConfig",
            kind="decoder",
            follows="llama",
            hf=("GemmaForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"),
        ),
        Entry(
            name="mixtral",
            title="Mixtral (mixture of experts)",
            papers=("mixtral", "switch"),
            model="Mixtral",
            config="MixtralConfig",
            kind="decoder",
            follows="mistral",
            hf=("MixtralForCausalLM", "MixtralModel"),
        ),
        Entry(
            name="vit",
            title="ViT and DINOv2",
            papers=("vit", "dinov2"),
            model="ViT",
            config="ViTConfig",
            kind="vision",
            forms=("parallel",),
            follows="bert",
            hf=(
                "ViTForImageClassification",
                "ViTModel",
                "Dinov2Model",
                "Dinov2ForImageClassification",
                "Dinov2WithRegistersModel",
                "Dinov2WithRegistersForImageClassification",
            ),
        ),
        Entry(
            name="clip",
            title="CLIP",
            papers=("clip",),
            model="CLIP",
            config="CLIPConfig",
            kind="vision-text",
            forms=("parallel",),
            follows="vit",
            hf=("CLIPModel",),
        ),
        Entry(
            name="llava",
            title="LLaVA",
            papers=("llava",),
            model="Llava",
            config="LlavaConfig",
            kind="vision-decoder",
            follows="clip",
            hf=("LlavaForConditionalGeneration",),
        ),
        Entry(
            name="decision_transformer",
            title="Decision Transformer",
            papers=("decision-transformer",),
            model="DecisionTransformer",
            config="DecisionTransformerConfig",
            kind="decision",
            follows="gpt2",
            hf=("DecisionTransformerModel",),
        ),
        Entry(
            name="retnet",
            title="RetNet",
            papers=("retnet",),
            model="RetNet",
            config="RetNetConfig",
            kind="decoder",
            forms=("recurrent", "parallel", "chunkwise"),
            follows="transformer",
        ),
        Entry(
            name="s4d",
            title="S4D",
            papers=("s4",),
            model="S4D",
            config="S4DConfig",
            kind="decoder",
            forms=("convolution", "recurrent"),
            follows="gru",
        ),
        Entry(
            name="mamba",
            title="Mamba",
            papers=("mamba", "s4"),
            model="Mamba",
            config="MambaConfig",
            kind="decoder",
            forms=("loop", "parallel scan", "chunked", "kernel", "recurrent"),
            follows="retnet",
            hf=("MambaForCausalLM", "MambaModel"),
        ),
        Entry(
            name="mamba2",
            title="Mamba-2",
            papers=("mamba2",),
            model="Mamba2",
            config="Mamba2Config",
            kind="decoder",
            forms=("recurrent", "quadratic", "chunked"),
            follows="mamba",
            hf=("Mamba2ForCausalLM", "Mamba2Model"),
        ),
    )
}


def entry(name: str) -> Entry:
    """The entry called `name`, or one line that says what there is."""
    if name not in CATALOG:
        raise Unsupported(
            f"there is no architecture '{name}'.{did_you_mean(name, list(CATALOG))} `headway models` lists them."
        )
    return CATALOG[name]


def build(name: str, /, **sizes: Any) -> Any:
    """A freshly initialised model of the architecture `name`, with `sizes` as the fields of its configuration."""
    model, config = entry(name).load()
    return model(config(**sizes))
