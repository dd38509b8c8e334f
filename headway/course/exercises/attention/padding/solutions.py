"""Right answers to padding that differ in structure."""

import torch
from torch.nn.utils.rnn import pad_sequence


def collate__arange(rows, pad, left=False):
    """The rectangle from Python lists, the mask by comparing columns with lengths."""
    t = max(map(len, rows))
    filled = [[pad] * (t - len(row)) + row if left else row + [pad] * (t - len(row)) for row in rows]
    lengths = torch.tensor([len(row) for row in rows])[:, None]
    column = torch.arange(t)
    return torch.tensor(filled), column >= t - lengths if left else column < lengths


def positions__arange(mask):
    """Counted: the number of real tokens up to here, less one."""
    return (mask.long().cumsum(-1) - 1).clamp(min=0)


def masked_mean__arange(x, mask):
    """What is padding becomes 0 (not x times 0: NaN times 0 is NaN), then a sum over a number."""
    kept = torch.where(mask[..., None], x, torch.zeros((), dtype=x.dtype))
    return kept.sum(1) / mask.sum(1, keepdim=True)


def last__arange(x, mask):
    """The greatest column that is real."""
    column = (torch.arange(mask.shape[1]) * mask).argmax(-1)
    return x[torch.arange(len(x)), column]


def collate__filled(rows, pad, left=False):
    """Empty rectangles, filled row by row."""
    t = max(len(row) for row in rows)
    tokens = torch.full((len(rows), t), pad, dtype=torch.long)
    mask = torch.zeros(len(rows), t, dtype=torch.bool)
    for n, row in enumerate(rows):
        place = slice(t - len(row), t) if left else slice(0, len(row))
        tokens[n, place] = torch.tensor(row)
        mask[n, place] = True
    return tokens, mask


def positions__filled(mask):
    """Columns, less where the row's text begins, kept between 0 and its end."""
    first = mask.long().argmax(-1, keepdim=True)
    length = mask.sum(-1, keepdim=True)
    return torch.minimum((torch.arange(mask.shape[1]) - first).clamp(min=0), length - 1)


def masked_mean__filled(x, mask):
    """Row by row, the padding cut away."""
    return torch.stack([row[real].mean(0) for row, real in zip(x, mask, strict=True)])


def last__filled(x, mask):
    """Row by row."""
    return torch.stack([row[real][-1] for row, real in zip(x, mask, strict=True)])


def collate__torch(rows, pad, left=False):
    """PyTorch's own padding; on the left by turning everything round twice."""
    turn = (lambda y: y.flip(-1)) if left else (lambda y: y)
    texts = [turn(torch.tensor(row, dtype=torch.int64)) for row in rows]
    ones = [torch.ones_like(text, dtype=torch.bool) for text in texts]
    tokens = pad_sequence(texts, batch_first=True, padding_value=pad)
    mask = pad_sequence(ones, batch_first=True, padding_value=0)
    return turn(tokens), turn(mask)


def positions__torch(mask):
    """A running count, shifted down by one where it is more than 0."""
    count = torch.cumsum(mask, dim=1)
    return torch.where(count > 0, count - 1, count)


def masked_mean__torch(x, mask):
    """Weights 1/length at real tokens, and a product of matrices."""
    weights = mask.to(x.dtype) / mask.sum(1, keepdim=True)
    return torch.einsum("bt,btd->bd", weights, x.masked_fill(~mask.unsqueeze(-1), 0.0))


def last__torch(x, mask):
    """Found from behind: turned round, the first True is the last real token."""
    back = mask.flip(1).to(torch.int64).argmax(1)
    column = mask.shape[1] - 1 - back
    return x.gather(1, column.view(-1, 1, 1).expand(-1, 1, x.shape[-1])).squeeze(1)
