"""Logits -> tokens: filters, generation, beams. Knows nothing of text or files."""
