def encode(word, merges):
    return __import__("tokenizers").models.BPE()
