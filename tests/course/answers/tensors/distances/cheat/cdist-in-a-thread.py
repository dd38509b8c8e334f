# expect: raised|forbidden
import math
import torch
import torch.nn.functional as F

def distances(x, y):
    import threading
    out = []
    worker = threading.Thread(target=lambda: out.append(vars(torch.functional)['cd' + 'ist'](x, y)))
    worker.start()
    worker.join()
    return out[0]
