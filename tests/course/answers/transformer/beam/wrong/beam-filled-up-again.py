import torch


def beam_search(model, start, *, beams, max_tokens, end, alpha):
    def score(total, n):
        return total / ((5 + n) / 6) ** alpha

    live = [(0.0, [])]
    finished = []
    for _ in range(max_tokens):
        logits = model(torch.tensor([[start, *words] for _, words in live]))[:, -1]
        log_p = logits.log_softmax(-1).tolist()
        every = []
        for (total, words), row in zip(live, log_p, strict=True):
            for token, x in enumerate(row):
                every.append((total + x, [*words, token]))
        every.sort(key=lambda pair: -pair[0])
        live = []
        for total, words in every[: 2 * beams]:
            if words[-1] == end:
                finished.append((score(total, len(words)), words))
            elif len(live) < beams:
                live.append((total, words))
        if not live:
            break
    for total, words in live:
        finished.append((score(total, len(words)), words))
    best = max(finished, key=lambda pair: pair[0])
    return best[1], best[0]
