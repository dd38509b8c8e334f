import math
import torch
import torch.nn.functional as F

from torch.optim._functional import adamw
