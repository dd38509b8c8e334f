# expect: mistake a_number_for_out
# never says: tokens that stay
import torch


def temperature(logits, t):
    return logits * (1 / t)


def top_k(logits, k):
    k = min(k, logits.size(-1))
    bound = torch.sort(logits, dim=-1, descending=True).values[:, k - 1].unsqueeze(1)
    return torch.where(logits < bound, -1e9, logits)


def top_p(logits, p):
    ordered, places = torch.sort(logits, descending=True, dim=-1, stable=True)
    chances = torch.softmax(ordered, dim=-1)
    before = torch.cat((torch.zeros_like(chances[:, :1]), chances.cumsum(-1)[:, :-1]), -1)
    keep = torch.zeros_like(logits, dtype=torch.bool).scatter(1, places, before < p)
    return torch.where(keep, logits, -torch.inf)


def draw(probabilities, u):
    place = torch.searchsorted(probabilities.cumsum(-1), u.unsqueeze(1), right=True).squeeze(1)
    columns = torch.arange(probabilities.size(-1))
    last = torch.where(probabilities > 0, columns, 0).max(-1).values
    return torch.min(place, last)
