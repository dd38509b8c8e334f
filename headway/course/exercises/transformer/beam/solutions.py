"""Right answers to beam search that differ in structure."""

import heapq

import torch


def beam_search__lists(model, start, *, beams, max_tokens, end, alpha):
    """Hypotheses as pairs in a Python list, sorted."""
    open_ones, finished = [(0.0, [])], []
    for _ in range(max_tokens):
        continuations = []
        for log_p, words in open_ones:
            step = model(torch.tensor([[start, *words]]))[0, -1].log_softmax(-1)
            continuations += [(log_p + step[token].item(), [*words, token]) for token in range(len(step))]
        continuations.sort(key=lambda pair: pair[0], reverse=True)
        open_ones = []
        for log_p, words in continuations[:beams]:
            (finished if words[-1] == end else open_ones).append((log_p, words))
        if not open_ones:
            break
    finished += open_ones
    score, words = max((log_p / ((5 + len(words)) / 6) ** alpha, words) for log_p, words in finished)
    return words, score


def beam_search__tensors(model, start, *, beams, max_tokens, end, alpha):
    """All open hypotheses as one batch; topk over beams times words, taken apart by division."""
    tokens = torch.tensor([[start]])
    log_p = torch.zeros(1, dtype=torch.float64)
    best, best_score = None, -torch.inf
    for n in range(1, max_tokens + 1):
        step = torch.log_softmax(model(tokens)[:, -1].double(), -1)
        total = (log_p[:, None] + step).flatten()
        log_p, places = total.topk(min(beams, len(total)))
        parents, words = places // step.shape[1], places % step.shape[1]
        tokens = torch.cat([tokens[parents], words[:, None]], dim=1)
        over = (words == end) if n < max_tokens else torch.ones_like(words, dtype=torch.bool)
        for hypothesis, value in zip(tokens[over], log_p[over].tolist(), strict=True):
            score = value / ((5 + n) / 6) ** alpha
            if score > best_score:
                best, best_score = hypothesis[1:].tolist(), score
        tokens, log_p = tokens[~over], log_p[~over]
        if len(tokens) == 0:
            break
    return best, best_score


def beam_search__heap(model, start, *, beams, max_tokens, end, alpha):
    """A heap per step, hypotheses as tuples; the model is asked once per step."""
    beam, finished = {(): 0.0}, {}
    for n in range(max_tokens):
        logits = model(torch.tensor([(start, *words) for words in beam]))[:, n]
        costs = -(logits - logits.logsumexp(-1, keepdim=True))
        candidates = (
            (total - cost, (*words, token))
            for (words, total), row in zip(beam.items(), costs.tolist(), strict=True)
            for token, cost in enumerate(row)
        )
        kept = heapq.nlargest(beams, candidates, key=lambda pair: pair[0])
        finished |= {words: total for total, words in kept if words[-1] == end}
        beam = {words: total for total, words in kept if words[-1] != end}
        if not beam:
            break
    finished |= beam
    scores = {words: total * (6 / (5 + len(words))) ** alpha for words, total in finished.items()}
    words = max(scores, key=scores.__getitem__)
    return list(words), scores[words]
