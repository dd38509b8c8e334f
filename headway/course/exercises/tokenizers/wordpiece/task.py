"""WordPiece: the longest match first.

    unaffable  →  un  ##aff  ##able                     Wu et al. 2016, arXiv 1609.08144; Devlin et al. 2018, arXiv 1810.04805

BERT cuts a word greedily: the longest token that the word starts with, then the longest token that goes on from
there, and so on. Tokens that continue a word are written with ## in front, in the vocabulary and in the result:
"able" and "##able" are two tokens, with two embeddings. There is no way back: if greed leads to a place where nothing
fits, the *whole* word is unknown, even where another cut would have done. A word of more than `longest` characters is
unknown without a look.

    headway check wordpiece      headway hint wordpiece      headway watch
"""


def wordpiece(word, vocab, unknown="[UNK]", longest=100):
    """Cut one word into tokens.

    Args:
        word: a string without blanks, perhaps empty.
        vocab: a set of tokens; those that continue a word begin with ##.
        unknown: the token for a word that cannot be cut.
        longest: how many characters a word may have.

    Returns:
        A list of tokens of `vocab`, or [unknown]; [] for an empty word.
    """
    raise NotImplementedError
