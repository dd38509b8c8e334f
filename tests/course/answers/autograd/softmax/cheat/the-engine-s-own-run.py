import math
import torch
import torch.nn.functional as F

def softmax_backward(grad, y, dim=-1):
    x = y.log()
    x = torch.nn.Parameter(x)
    out = x.softmax(dim)
    engine = torch.autograd.variable.Variable._execution_engine
    return engine.run_backward((out,), (grad,), False, False, (x,), allow_unreachable=True, accumulate_grad=False)[0]
