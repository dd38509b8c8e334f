"""Headway: a plan to learn Transformers, turned into something that runs."""

__version__ = "0.1.0"
