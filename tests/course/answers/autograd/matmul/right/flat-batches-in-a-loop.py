import math
import torch
import torch.nn.functional as F


def matmul_backward(grad, a, b):
    lead = grad.shape[:-2]

    def flat(x):
        return x.expand(*lead, *x.shape[-2:]).reshape(-1, *x.shape[-2:])

    das, dbs = [], []
    for g, p, q in zip(flat(grad), flat(a), flat(b)):
        das.append(g.matmul(q.t()))
        dbs.append(p.t().matmul(g))

    def down(rows, like):
        x = torch.stack(rows).reshape(*lead, *like.shape[-2:])
        axes = [n for n in range(len(lead)) if n < x.dim() - like.dim() or like.shape[n - x.dim() + like.dim()] == 1]
        return (x.sum(axes) if axes else x).reshape(like.shape)

    return down(das, a), down(dbs, b)
