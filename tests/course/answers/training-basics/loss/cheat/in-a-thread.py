# expect: raised|forbidden
import math
import torch
import torch.nn.functional as F

def cross_entropy(logits, targets, *, ignore=-100):
    import threading
    out = []
    f = getattr(torch.ops.aten, "cross_entropy" + "_loss")
    worker = threading.Thread(target=lambda: out.append(f(logits, targets, None, 1, ignore, 0.0)))
    worker.start()
    worker.join()
    return out[0]
