import torch


def beam_search(model, start, *, beams, max_tokens, end, alpha):
    alive, done = [(0.0, [])], []
    for _ in range(max_tokens):
        logits = model(torch.tensor([[start, *words] for _, words in alive]))[:, -1]
        log_p = torch.log_softmax(logits, dim=-1).tolist()
        grown = [
            (total + p, [*words, token]) for (total, words), row in zip(alive, log_p) for token, p in enumerate(row)
        ]
        grown = sorted(grown, key=lambda pair: -pair[0])[:beams]
        done += [pair for pair in grown if pair[1][-1] == end]
        alive = [pair for pair in grown if pair[1][-1] != end]
        done = sorted(done, key=lambda pair: -pair[0])[:beams]
        if not alive:
            break
    total, words = max(done + alive, key=lambda pair: pair[0] / ((5 + len(pair[1])) / 6) ** alpha)
    return words, total / ((5 + len(words)) / 6) ** alpha
