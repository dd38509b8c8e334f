from sentencepiece import SentencePieceProcessor


def viterbi(text, scores):
    return []
