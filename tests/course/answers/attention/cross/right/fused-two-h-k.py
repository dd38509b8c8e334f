import torch
from torch import nn


class CrossAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.q, self.kv, self.out = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)

    def forward(self, x, states, mask=None):
        q = self.q(x).unflatten(-1, (self.n_head, -1)).movedim(2, 0)
        k, v = self.kv(states).unflatten(-1, (2, self.n_head, -1)).permute(2, 3, 0, 1, 4)
        scores = q @ k.mT * q.shape[-1] ** -0.5
        if mask is not None:
            scores = torch.where(mask.unsqueeze(1), scores, -torch.inf)
        return self.out(torch.cat(list(scores.softmax(-1) @ v), -1))
