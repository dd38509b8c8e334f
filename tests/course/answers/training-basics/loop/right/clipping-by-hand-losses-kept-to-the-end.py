import math
import torch
import torch.nn.functional as F

def train(make_model, make_optimiser, loss, lr, batches, held_out, *, epochs, clip):
    net = make_model()
    params = list(net.parameters())
    opt = make_optimiser(params)
    history, curve, kept = [], [], []
    at = 1
    for epoch in range(epochs):
        net.train()
        for x, y in batches:
            for p in params:
                p.grad = None
            l = loss(net(x), y)
            grads = torch.autograd.grad(l, params)
            norm = torch.cat([g.flatten() for g in grads]).norm()
            factor = min(1.0, clip / float(norm)) if norm > 0 else 1.0
            for p, g in zip(params, grads):
                p.grad = g * factor
            for g in opt.param_groups:
                g.update(lr=lr(at))
            opt.step()
            history.append(l.detach())
            at += 1
        net.eval()
        with torch.no_grad():
            sums = torch.stack([loss(net(x), y) * x.shape[0] for x, y in held_out]).sum()
        curve.append(float(sums) / sum(x.shape[0] for x, _ in held_out))
        kept.append([p.detach().clone() for p in params])
    return torch.stack(history).tolist(), curve, kept[curve.index(min(curve))]
