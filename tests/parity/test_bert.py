"""BERT and RoBERTa equal `transformers`, with every head; MiniLM's real weights order sentences as published."""

from __future__ import annotations

import json

import pytest
import torch
import transformers as hf
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from support.hf import SINGLE, check_round_trip, reference
from support.hf_encoder import check_encoder
from support.parity import assert_close

from headway.base.errors import Corrupt, Unsupported
from headway.base.sources import SOURCES, fetch, state
from headway.models.bert import Bert
from headway.weights.store import load_folder

few = settings(max_examples=5, deadline=None)

BERTS = [
    "BertForPreTraining",
    "BertForMaskedLM",
    "BertForSequenceClassification",
    "BertForTokenClassification",
    "BertModel",
]
ROBERTAS = ["RobertaForMaskedLM", "RobertaForSequenceClassification", "RobertaForTokenClassification", "RobertaModel"]


@st.composite
def configs(draw, family: str):
    n_head, roberta = draw(st.integers(1, 4)), family == "Roberta"
    return (hf.RobertaConfig if roberta else hf.BertConfig)(
        vocab_size=draw(st.integers(5, 40)),
        hidden_size=n_head
        * draw(st.integers(3, 6)),  # a norm over one or two features with eps 1e-12 only amplifies noise
        num_hidden_layers=draw(st.integers(1, 3)),
        num_attention_heads=n_head,
        intermediate_size=draw(st.integers(3, 30)),
        max_position_embeddings=draw(st.integers(20, 30)),
        type_vocab_size=draw(st.integers(1, 3)),
        hidden_act=draw(st.sampled_from(["gelu", "gelu_new", "relu"])),
        layer_norm_eps=draw(st.sampled_from([1e-12, 1e-5, 1e-2])),
        num_labels=draw(st.integers(2, 5)),
        # The padding symbol's embedding gets no gradient there. RoBERTa cannot do without one; ours is never drawn below.
        pad_token_id=1 if roberta else None,
    )


@pytest.mark.parametrize("name", BERTS + ROBERTAS)
@few
@given(data=st.data())
def test_outputs_and_gradients(name, data):
    config = data.draw(configs("Roberta" if name.startswith("Roberta") else "Bert"))
    lengths = data.draw(st.lists(st.integers(1, 16), min_size=1, max_size=3))
    check_encoder(name, config, lengths, data.draw(st.integers(0, 99)))


@pytest.mark.parametrize("name", BERTS + ROBERTAS)
def test_round_trip(name, tmp_path):
    sizes = {
        "vocab_size": 40,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 24,
    }
    kind = hf.RobertaConfig if name.startswith("Roberta") else hf.BertConfig
    config = kind(**sizes, max_position_embeddings=30, id2label={0: "no", 1: "perhaps", 2: "yes"})
    check_round_trip(getattr(hf, name), config, tmp_path)


def test_xlm_roberta_is_roberta(tmp_path):
    config = hf.XLMRobertaConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=9, type_vocab_size=1
    )
    theirs = reference(hf.XLMRobertaForMaskedLM, config, torch.float32)
    theirs.save_pretrained(tmp_path)
    tokens = torch.randint(2, 20, (2, 7))
    with torch.no_grad():
        assert_close(load_folder(tmp_path)(tokens), theirs(tokens).logits, SINGLE)


def bert_base(tmp_path, **changes):
    """A folder like google-bert/bert-base-uncased, shrunk: gamma and beta, tied copies, and weights of other heads."""
    config = {
        "architectures": ["BertForMaskedLM"],
        "attention_probs_dropout_prob": 0.1,
        "gradient_checkpointing": False,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": 12,
        "initializer_range": 0.02,
        "intermediate_size": 24,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": 16,
        "model_type": "bert",
        "num_attention_heads": 3,
        "num_hidden_layers": 2,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
        "transformers_version": "4.6.0.dev0",
        "type_vocab_size": 2,
        "use_cache": True,
        "vocab_size": 30,
    } | changes
    theirs = reference(hf.BertForPreTraining, hf.BertConfig(**config), torch.float32)
    tensors = {
        key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value.clone()
        for key, value in theirs.state_dict().items()
    }
    tensors["bert.embeddings.position_ids"] = torch.arange(16)[None]
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file(tensors, tmp_path / "model.safetensors")
    return theirs


def test_a_released_checkpoint_of_2018(tmp_path):
    theirs = bert_base(tmp_path)
    ours, tokens = load_folder(tmp_path), torch.randint(0, 30, (2, 9))
    with torch.no_grad():
        assert_close(ours(tokens), theirs(tokens).prediction_logits, SINGLE)


def test_a_head_that_was_untied_is_noticed(tmp_path):
    bert_base(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["cls.predictions.decoder.weight"][3] += 1
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(Corrupt, match=r"cls\.predictions\.decoder\.weight differs"):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    "change", [{"position_embedding_type": "relative_key"}, {"hidden_act": "mish"}, {"is_decoder": True}]
)
def test_what_is_not_done_is_refused_by_name(change, tmp_path):
    bert_base(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(Unsupported, match=next(iter(change))):
        load_folder(tmp_path)


fetched = pytest.mark.skipif(state(SOURCES["minilm-l6"]) != "present", reason="`headway fetch minilm-l6` first")


@fetched
@pytest.mark.weights
class TestMiniLM:
    def words(self, texts: list[str]):
        tokenizer = hf.AutoTokenizer.from_pretrained(fetch("minilm-l6"))
        out = tokenizer(texts, padding=True, return_tensors="pt")
        return out["input_ids"], out["attention_mask"].bool()

    def test_similarities_are_those_published(self):
        # The example that sbert.net gives for this model ("Computing Embeddings").
        tokens, mask = self.words(
            ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
        )
        model = load_folder(fetch("minilm-l6"))
        assert isinstance(model, Bert)
        published = torch.tensor([[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]])
        for packed in (False, True):
            with torch.no_grad():
                vectors = model.sentence(tokens, mask, packed=packed)
            assert_close(vectors @ vectors.T, published, 2e-4)

    def test_equals_transformers_on_the_same_files(self):
        texts = [
            "A cat sits on the mat.",
            "Attention is a weighted mean, and the weights are a softmax of dot products.",
            "Zürich — naïve café, 東京!",
            "no",
        ]
        tokens, mask = self.words(texts)
        theirs = hf.BertModel.from_pretrained(fetch("minilm-l6")).eval()
        ours = load_folder(fetch("minilm-l6"))
        with torch.no_grad():
            wanted = theirs(tokens, attention_mask=mask.long())
            states = ours.hidden(tokens, mask)
            assert_close(states[mask], wanted.last_hidden_state[mask], SINGLE)
            assert_close(ours.pooled(states, mask), wanted.pooler_output, SINGLE)
