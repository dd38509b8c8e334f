import math
import torch
import torch.nn.functional as F


def packed_mask(documents):
    b, t = documents.shape
    out = torch.zeros(b, 1, t, t, dtype=torch.bool)
    for n, row in enumerate(documents.tolist()):
        for i in range(t):
            for j in range(i + 1):
                out[n, 0, i, j] = i == j or (row[i] == row[j] and row[j] >= 0)
    return out


def packed_positions(documents):
    rows = []
    for row in documents.tolist():
        place = []
        for i, number in enumerate(row):
            place.append(0 if number < 0 or not i or row[i - 1] != number else place[-1] + 1)
        rows.append(place)
    return torch.tensor(rows)


def packed_targets(tokens, documents, prompts=None):
    following, same = tokens.roll(-1, 1), documents.roll(-1, 1) == documents
    asked = same & (documents >= 0) & (torch.arange(tokens.shape[1]) < tokens.shape[1] - 1)
    if prompts is not None:
        asked = asked & ~prompts.roll(-1, 1)
    return torch.where(asked, following, -100)
