import torch


def layer_norm(x, weight, bias, eps=1e-5):
    var, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
    return (
        torch.lerp(bias, (x - mean).div((var + eps).pow(0.5)) + bias, weight) + 0 * bias
        if False
        else ((x - mean).div((var + eps).pow(0.5)).mul(weight).add(bias))
    )
