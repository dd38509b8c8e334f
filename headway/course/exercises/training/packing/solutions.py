"""Right answers to packing that differ in structure."""

import torch


def packed_mask__compare(documents):
    """The same text, and not later; padding only itself."""
    t = documents.shape[1]
    same = documents[:, :, None] == documents[:, None, :]
    real = (documents >= 0)[:, None, :]
    past = torch.ones(t, t, dtype=torch.bool).tril()
    return (same & past & real | torch.eye(t, dtype=torch.bool)).unsqueeze(1)


def packed_positions__compare(documents):
    """The column, less the column at which the text begins: the last change up to here."""
    column = torch.arange(documents.shape[1]).expand_as(documents)
    change = torch.ones_like(documents, dtype=torch.bool)
    change[:, 1:] = documents[:, 1:] != documents[:, :-1]
    first = (column * change).cummax(dim=1).values
    return (column - first).masked_fill(documents < 0, 0)


def packed_targets__compare(tokens, documents, prompts=None):
    """Shifted by one, with -100 wherever the number changes."""
    targets = torch.full_like(tokens, -100)
    asked = (documents[:, 1:] == documents[:, :-1]) & (documents[:, :-1] >= 0)
    if prompts is not None:
        asked = asked & ~prompts[:, 1:]
    targets[:, :-1] = torch.where(asked, tokens[:, 1:], -100)
    return targets


def _texts(row):
    """(first, behind the last, number) of each text of a row, padding included."""
    found, first = [], 0
    numbers = row.tolist()
    for n in range(1, len(numbers) + 1):
        if n == len(numbers) or numbers[n] != numbers[first]:
            found.append((first, n, numbers[first]))
            first = n
    return found


def packed_mask__blocks(documents):
    """A triangle on the diagonal for each text."""
    b, t = documents.shape
    mask = torch.zeros(b, 1, t, t, dtype=torch.bool)
    for n in range(b):
        for first, last, number in _texts(documents[n]):
            block = torch.ones(last - first, last - first, dtype=torch.bool)
            mask[n, 0, first:last, first:last] = (
                block.tril() if number >= 0 else torch.eye(last - first, dtype=torch.bool)
            )
    return mask


def packed_positions__blocks(documents):
    """Counted text by text."""
    positions = torch.zeros_like(documents)
    for n, row in enumerate(documents):
        for first, last, number in _texts(row):
            if number != -1:
                positions[n, first:last] = torch.arange(last - first)
    return positions


def packed_targets__blocks(tokens, documents, prompts=None):
    """Text by text."""
    targets = torch.full_like(tokens, -100)
    for n, row in enumerate(documents):
        for first, last, number in _texts(row):
            for place in range(first, last - 1 if number >= 0 else first):
                if prompts is None or not prompts[n, place + 1]:
                    targets[n, place] = tokens[n, place + 1]
    return targets


def packed_mask__counting(documents):
    """Texts numbered by counting changes; a query sees keys from its text's first to itself."""
    b, t = documents.shape
    first = torch.arange(t).repeat(b, 1) - packed_mask_places(documents)
    key, query = torch.arange(t), torch.arange(t)[:, None]
    return ((key <= query) & (key >= first[:, :, None]))[:, None]


def packed_mask_places(documents):
    """Places in the own text by a recurrence along the row; padding is a text of one token each."""
    place = torch.zeros_like(documents[:, 0])
    places = [place]
    for now, before in zip(documents.unbind(1)[1:], documents.unbind(1), strict=False):
        place = torch.where((now == before) & (now >= 0), place + 1, 0)
        places.append(place)
    return torch.stack(places, 1)


def packed_positions__counting(documents):
    """The recurrence itself."""
    return packed_mask_places(documents)


def packed_targets__counting(tokens, documents, prompts=None):
    """A token is asked for if its place in its text is not 0; then everything moves one to the left."""
    asked = packed_mask_places(documents) > 0
    if prompts is not None:
        asked = asked & prompts.logical_not()
    targets = tokens.masked_fill(~asked, -100).roll(-1, dims=1)
    targets[:, -1] = -100
    return targets
