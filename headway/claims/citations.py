"""The papers that claims cite, under the keys of `course/papers.toml`; a test holds the two against each other."""

from __future__ import annotations

from dataclasses import replace

from headway.claims.base import Paper

_ROWS = (
    ("adam", "Adam: A Method for Stochastic Optimization", "Kingma and Ba", 2014, "1412.6980"),
    ("adamw", "Decoupled Weight Decay Regularization", "Loshchilov and Hutter", 2017, "1711.05101"),
    ("autodiff-survey", "Automatic differentiation in machine learning: a survey", "Baydin et al.", 2015, "1502.05767"),
    (
        "bahdanau",
        "Neural Machine Translation by Jointly Learning to Align and Translate",
        "Bahdanau et al.",
        2014,
        "1409.0473",
    ),
    ("bpe", "Neural Machine Translation of Rare Words with Subword Units", "Sennrich et al.", 2015, "1508.07909"),
    ("chinchilla", "Training Compute-Optimal Large Language Models", "Hoffmann et al.", 2022, "2203.15556"),
    ("deepnet", "DeepNet: Scaling Transformers to 1,000 Layers", "Wang et al.", 2022, "2203.00555"),
    ("layer-norm", "Layer Normalization", "Ba et al.", 2016, "1607.06450"),
    (
        "mup",
        "Tensor Programs V: Tuning Large Neural Networks via Zero-Shot Hyperparameter Transfer",
        "Yang et al.",
        2022,
        "2203.03466",
    ),
    (
        "nmt-properties",
        "On the Properties of Neural Machine Translation: Encoder-Decoder Approaches",
        "Cho et al.",
        2014,
        "1409.1259",
    ),
    ("pre-ln", "On Layer Normalization in the Transformer Architecture", "Xiong et al.", 2020, "2002.04745"),
    ("rezero", "ReZero is All You Need: Fast Convergence at Large Depth", "Bachlechner et al.", 2020, "2003.04887"),
    (
        "rnn-difficulty",
        "On the difficulty of training Recurrent Neural Networks",
        "Pascanu et al.",
        2012,
        "1211.5063",
    ),
    ("scaling-laws", "Scaling Laws for Neural Language Models", "Kaplan et al.", 2020, "2001.08361"),
    ("seq2seq", "Sequence to Sequence Learning with Neural Networks", "Sutskever et al.", 2014, "1409.3215"),
    ("transformer", "Attention Is All You Need", "Vaswani et al.", 2017, "1706.03762"),
)  # fmt: skip

PAPERS: dict[str, Paper] = {
    key: Paper(key=key, title=title, authors=authors, year=year, arxiv=arxiv)
    for key, title, authors, year, arxiv in _ROWS
}


def cite(key: str, where: str = "") -> Paper:
    """The paper under `key`, with the section or equation the claim is from, where somebody has looked it up."""
    return replace(PAPERS[key], where=where)
