"""One table per architecture: how its weights and its configuration are named elsewhere."""
