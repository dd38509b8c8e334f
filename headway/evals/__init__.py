"""How good and how fast: perplexity, accuracy, returns, speed."""
