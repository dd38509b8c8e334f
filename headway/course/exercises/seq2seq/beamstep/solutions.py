"""Right answers to the step of a beam that differ in structure."""

import torch


def beam_step__flat(totals, log_p, done, end):
    """All continuations of a sentence in one axis; the place in it says parent and word."""
    v = log_p.shape[-1]
    stay = torch.full_like(log_p[0, 0], float("-inf"))
    stay[end] = 0.0
    scores = totals.unsqueeze(-1) + torch.where(done.unsqueeze(-1), stay, log_p)
    best, place = scores.flatten(1).topk(totals.shape[1], dim=-1)
    tokens = place % v
    return best, place // v, tokens, tokens == end


def move__flat(state, parents):
    """gather, with the parents repeated for each feature."""
    return torch.gather(state, 1, parents.unsqueeze(-1).expand(*parents.shape, state.shape[-1]))


def trace__flat(tokens, parents):
    """Backwards, with the place of each hypothesis in the step before."""
    t, b, k = tokens.shape
    words = torch.empty(b, k, t, dtype=tokens.dtype)
    place = torch.arange(k).repeat(b, 1)
    for step in range(t - 1, -1, -1):
        words[:, :, step] = tokens[step].gather(1, place)
        place = parents[step].gather(1, place)
    return words


def beam_step__lists(totals, log_p, done, end):
    """Python's lists, sentence by sentence, and a sort."""
    found = []
    for total, chances, ended in zip(totals.tolist(), log_p.tolist(), done.tolist(), strict=True):
        grown = []
        for parent, (so_far, row) in enumerate(zip(total, chances, strict=True)):
            if ended[parent]:
                grown.append((so_far, parent, end))
            else:
                grown += [(so_far + chance, parent, token) for token, chance in enumerate(row)]
        grown.sort(key=lambda one: -one[0])
        found.append(grown[: len(total)])
    new = torch.tensor([[one[0] for one in row] for row in found], dtype=totals.dtype)
    parents, tokens = (torch.tensor([[one[n] for one in row] for row in found]) for n in (1, 2))
    return new, parents, tokens, tokens == end


def move__lists(state, parents):
    """Sentence by sentence."""
    return torch.stack([own[parent] for own, parent in zip(state, parents, strict=True)])


def trace__lists(tokens, parents):
    """Hypothesis by hypothesis."""
    t, b, k = tokens.shape
    sentences = []
    for row in range(b):
        for place in range(k):
            words = []
            for step in reversed(range(t)):
                words.insert(0, int(tokens[step, row, place]))
                place = int(parents[step, row, place])
            sentences.append(words)
    return torch.tensor(sentences).reshape(b, k, t)


def beam_step__two_stages(totals, log_p, done, end):
    """No hypothesis can give more than k of the k best: first each one's own best, then the best of these."""
    k = totals.shape[1]
    log_p = log_p.masked_fill(done[..., None], float("-inf"))
    log_p = log_p.index_put(
        (*torch.nonzero(done, as_tuple=True), torch.tensor(end)), torch.zeros((), dtype=log_p.dtype)
    )
    own = log_p.topk(k, dim=-1)
    candidates = (totals[..., None] + own.values).reshape(len(totals), -1)
    order = candidates.argsort(dim=-1, descending=True)[:, :k]
    tokens = own.indices.reshape(len(totals), -1).gather(1, order)
    parents = torch.div(order, k, rounding_mode="floor")
    return candidates.gather(1, order), parents, tokens, done.gather(1, parents) | (tokens == end)


def move__two_stages(state, parents):
    """Two indices."""
    return state[torch.arange(len(state)).unsqueeze(1), parents]


def trace__two_stages(tokens, parents):
    """Forwards: at each step the sentences so far are reordered as the states are."""
    sentences = tokens.new_empty(*tokens.shape[1:], 0)
    for said, parent in zip(tokens, parents, strict=True):
        chosen = sentences[torch.arange(len(parent)).unsqueeze(1), parent]
        sentences = torch.cat((chosen, said.unsqueeze(-1)), dim=-1)
    return sentences
