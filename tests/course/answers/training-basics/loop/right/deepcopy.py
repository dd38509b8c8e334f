import math
import torch
import torch.nn.functional as F
from torch import nn


import copy


def train(make_model, make_optimiser, loss, lr, batches, held_out, *, epochs, clip):
    net = make_model()
    opt = make_optimiser(net.parameters())
    history, val, best, step = [], [], None, 0
    for epoch in range(epochs):
        net.train()
        for x, y in batches:
            step += 1
            for g in opt.param_groups:
                g["lr"] = lr(step)
            l = loss(net(x), y)
            opt.zero_grad()
            l.backward()
            nn.utils.clip_grad_norm_(net.parameters(), clip)
            opt.step()
            history.append(float(l))
        net.eval()
        with torch.inference_mode():
            parts = [(len(x), float(loss(net(x), y))) for x, y in held_out]
        v = sum(n * l for n, l in parts) / sum(n for n, _ in parts)
        if best is None or v < min(val):
            best = copy.deepcopy(net)
        val.append(v)
    return history, val, [p.detach() for p in best.parameters()]
