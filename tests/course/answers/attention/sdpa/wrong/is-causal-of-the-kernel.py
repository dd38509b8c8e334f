import math
import torch
import torch.nn.functional as F
from torch import nn


def attend(q, k, v, mask=None, *, causal=False, scale=None):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal and mask is None, scale=scale)
