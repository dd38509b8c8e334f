"""Checkpoints people really have, read and written: one table per architecture, one engine for all."""
