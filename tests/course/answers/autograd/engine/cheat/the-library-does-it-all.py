import torch


def derivatives(f, numbers):
    return 0.0, [0.0 for _ in numbers]
