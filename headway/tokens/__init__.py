"""Records <-> ids: one Tokenizer protocol, one loader; characters, byte-level BPE, WordPiece, unigram, chat templates."""
