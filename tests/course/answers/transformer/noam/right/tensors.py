import torch


def attention_is_all_you_need(step, *, width, warmup):
    step, width, warmup = (torch.tensor(float(n), dtype=torch.float64) for n in (step, width, warmup))
    return torch.minimum(step.rsqrt(), step / warmup.pow(1.5)).mul(width.rsqrt()).item()


def warmup_for(peak, *, width):
    return (peak * width**0.5) ** -2
