"""Records <-> ids: byte-level BPE, WordPiece, unigram, and chat templates."""
