"""RoBERTa: BERT trained longer, on more text, without next-sentence prediction; positions are counted from 2.

Liu et al., *RoBERTa: A Robustly Optimized BERT Pretraining Approach*, 2019 (arXiv 1907.11692).

    tokens -> BERT's encoder, the first token at position 2 -> states -> mlm | pool, classify

Against BERT: positions are counted from 2, because fairseq's table keeps a row for the padding symbol, id 1, and counts on from
there; one segment instead of two; a larger eps. What made it better is in the training: masks drawn anew at every epoch, full
sentences from more than one document, large batches, and byte-level BPE.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F

from headway.base.errors import HeadwayError
from headway.models.bert import Bert, BertConfig, Head

NOTES = {
    "position": "a learned vector per position, counted from 2; nothing beyond the context length",
    "norm": "LayerNorm, after each residual sum (post-norm), and one after the embedding",
    "attention": "both ways: every token sees every token; biases everywhere",
    "mlp": "GELU (exact) between two linear maps, four times the width inside",
    "head": "words: dense, GELU (always exact) and norm before the tied embedding; no second sentence to be judged",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class RobertaConfig(BertConfig):
    """The sizes of an encoder, and what it is for: BERT's fields, with RoBERTa's numbers.

    Attributes:
        context: The most tokens; the table of positions has 2 rows more.
        head: Any of BERT's but "pretraining".
    """

    n_segment: int = 1
    head: Head = "mlm"
    eps: float = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.head == "pretraining":
            raise HeadwayError(
                "RoBERTa was pre-trained without next-sentence prediction: its pre-training head is 'mlm'"
            )


class Roberta(Bert):
    """An encoder: token ids in, what the head makes of its states out."""

    first_position = 2

    def __init__(self, config: RobertaConfig):
        super().__init__(config)
        if self.mlm is not None:
            self.mlm.activation = F.gelu  # exact, as in fairseq, whatever the blocks have


PRESETS = {  # table 9 of the paper, in its appendix; the vocabulary of the released models
    "roberta-base": RobertaConfig(vocab_size=50265, width=768, n_layer=12, n_head=12, dropout=0.1),
    "roberta-large": RobertaConfig(vocab_size=50265, width=1024, n_layer=24, n_head=16, dropout=0.1),
}
