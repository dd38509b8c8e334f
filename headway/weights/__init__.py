"""Checkpoints people really have, read and written: one table per architecture, one engine for all."""

from headway.weights.files import GGUF
from headway.weights.store import export_folder, load_folder, load_gguf, load_onnx

__all__ = ["GGUF", "export_folder", "load_folder", "load_gguf", "load_onnx"]
