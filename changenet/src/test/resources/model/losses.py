"""Prints loss and gradient of each segmentation loss as PyTorch computes them, one line each.

usage: losses.py LOGITS LABELS B H W K; raw float32 [B, H, W, K] and int32 [B, H, W]
"""
import sys

import torch
import torch.nn.functional as F

b, h, w, k = map(int, sys.argv[3:])
logits = torch.frombuffer(bytearray(open(sys.argv[1], "rb").read()), dtype=torch.float32)
labels = torch.frombuffer(bytearray(open(sys.argv[2], "rb").read()), dtype=torch.int32)
x = logits.double().reshape(b, h, w, k).permute(0, 3, 1, 2).requires_grad_()
y = labels.long().reshape(b, h, w)
weights = torch.arange(1, k + 1, dtype=torch.float64) / 2
valid = y != 255


def focal(weight, gamma):
    nll = F.cross_entropy(x, y, ignore_index=255, reduction="none")
    each = torch.ones(k, dtype=torch.float64) if weight is None else weight
    w = each[torch.where(valid, y, torch.zeros_like(y))] * valid
    return (w * (1 - torch.exp(-nll)) ** gamma * nll).sum() / w.sum()


def dice():
    p = x.softmax(1) * valid[:, None]
    t = F.one_hot(torch.where(valid, y, torch.zeros_like(y)), k).permute(0, 3, 1, 2) * valid[:, None]
    both = (p * t).sum((2, 3))
    return 1 - ((2 * both + 1) / (p.sum((2, 3)) + t.sum((2, 3)) + 1)).mean()


losses = [
    F.cross_entropy(x, y, weight=weights, ignore_index=255),
    focal(None, 2),
    focal(weights, 0.5),
    dice(),
    F.cross_entropy(x, y, weight=weights, ignore_index=255) + dice(),
    focal(weights, 2) + dice(),
]
for loss in losses:
    (grad,) = torch.autograd.grad(loss, x, retain_graph=True)
    print(loss.item(), *grad.permute(0, 2, 3, 1).reshape(-1).tolist())

p = torch.nn.Parameter(torch.zeros_like(logits))
p.grad = logits.clone()
print(torch.nn.utils.clip_grad_norm_([p], 0.75).item(), *p.grad.tolist())
