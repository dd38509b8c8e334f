"""Functions of tensors that the architectures share, by hand and fast side by side; never a block or a model."""
