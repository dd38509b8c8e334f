import math
import torch
import torch.nn.functional as F


def greedy(model, tokens, *, max_tokens, end, pad):
    said, over = tokens[:, :0], torch.zeros(len(tokens), dtype=torch.bool)
    while said.shape[1] < max_tokens and not over.all():
        word = model(torch.cat((tokens, said), 1))[:, -1].exp().argmax(-1)
        word[over] = pad
        over |= word == end
        said = torch.cat((said, word[:, None]), 1)
    return said
