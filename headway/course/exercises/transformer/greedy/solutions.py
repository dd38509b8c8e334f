"""Right answers to greedy decoding that differ in structure."""

import torch


def greedy__mask(model, tokens, *, max_tokens, end, pad):
    """One loop for all rows, with a flag for those that are over."""
    done = torch.zeros(len(tokens), dtype=torch.bool)
    t = tokens.shape[1]
    for _ in range(max_tokens):
        if done.all():
            break
        chosen = model(tokens)[:, -1].argmax(-1)
        chosen = torch.where(done, pad, chosen)
        done = done | (chosen == end)
        tokens = torch.cat((tokens, chosen[:, None]), dim=1)
    return tokens[:, t:]


def greedy__rows(model, tokens, *, max_tokens, end, pad):
    """Row by row, until its end; then padded to the longest."""
    answers = []
    for row in tokens:
        text, new = row.tolist(), []
        while len(new) < max_tokens and (not new or new[-1] != end):
            new.append(int(model(torch.tensor([text + new]))[0, -1].argmax()))
        answers.append(new)
    longest = max(map(len, answers))
    return torch.tensor([new + [pad] * (longest - len(new)) for new in answers], dtype=torch.int64).view(
        len(answers), longest
    )


def greedy__recursive(model, tokens, *, max_tokens, end, pad):
    """One step, and the rest of the rows that are not over by recursion."""
    if max_tokens == 0:
        return tokens[:, :0]
    chosen = model(tokens)[:, -1, :].max(dim=-1).indices.unsqueeze(1)
    going = (chosen != end).squeeze(1)
    if not bool(going.any()):
        return chosen
    more = torch.cat([tokens[going], chosen[going]], 1)
    rest = greedy__recursive(model, more, max_tokens=max_tokens - 1, end=end, pad=pad)
    whole = torch.full((len(tokens), rest.shape[1]), pad, dtype=torch.int64)
    whole[going] = rest
    return torch.cat([chosen, whole], dim=1)
