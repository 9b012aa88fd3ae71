"""Weights, images and labels from a formula any language can repeat (see peer.py).

Element i of a tensor is the i-th output of SplitMix64 seeded with FNV-1a of the tensor's name.
Not needed to run ChangeNet.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

MASK = (1 << 64) - 1
TRANSPOSED = ("convd2x.conv2d.weight", "convd1x.conv2d.weight", "backbone.up.weight")


def seed_of(name: str) -> int:
    """FNV-1a, 64 bits, of the name's UTF-8 bytes."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return h


def uniform(name: str, count: int) -> np.ndarray:
    """`count` doubles in [0,1)."""
    step = np.uint64(0x9E3779B97F4A7C15)
    z = np.arange(1, count + 1, dtype=np.uint64)
    z *= step
    z += np.uint64(seed_of(name))
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    z >>= np.uint64(11)
    return z.astype(np.float64) * 2.0**-53


def rule(name: str, shape: tuple[int, ...]) -> tuple[str, float, float]:
    """How an entry of the state dictionary is filled: kind, offset, scale."""
    last = name.rsplit(".", 1)[-1]
    by_last = {
        "num_batches_tracked": ("zero", 0.0, 0.0),
        "running_mean": ("affine", 0.0, 0.1),
        "running_var": ("affine_abs", 1.0, 0.5),
        "temperature": ("affine", 1.0, 0.2),
    }
    if last in by_last:
        return by_last[last]
    if last in ("gamma", "gamma1", "gamma2"):
        return "affine", 0.5, 0.3
    if last in ("cls_token", "pos_embed", "level_embed", "token"):
        return "affine", 0.0, 0.5
    if name.endswith("sampling_offsets.bias"):
        return "affine", 0.0, 2.0
    if last == "weight" and len(shape) == 1:
        return "affine", 1.0, 0.1
    if last == "bias":
        return "affine", 0.0, 0.05
    if last != "weight":
        raise ValueError(f"{name}: no rule for this entry")
    if name.endswith(TRANSPOSED):
        fan = shape[0] * shape[2] * shape[3] / 4
    else:
        fan = math.prod(shape[1:])
    return "affine", 0.0, math.sqrt(3.0 / fan)


def fill(model: nn.Module, prefix: str = "") -> None:
    """Fills every parameter and buffer of the state dictionary."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            kind, offset, scale = rule(name, tuple(tensor.shape))
            if kind == "zero":
                tensor.zero_()
                continue
            s = uniform(prefix + name, tensor.numel()) * 2.0 - 1.0
            if kind == "affine_abs":
                s = np.abs(s)
            values = (s * scale + offset).astype(np.float32).reshape(tuple(tensor.shape))
            tensor.copy_(torch.from_numpy(values))


def image(name: str, batch: int, height: int, width: int) -> Tensor:
    """Values in [-1,1), [batch,3,height,width]."""
    count = batch * 3 * height * width
    values = (uniform(name, count) * 2.0 - 1.0).astype(np.float32)
    return torch.from_numpy(values.reshape(batch, 3, height, width))


def label(seed: str, batch: int, height: int, width: int, classes: int, ignore: float = 0.0) -> Tensor:
    """Bytes [batch,1,height,width], constant on 8x8 cells, 255 for a fraction of the pixels."""
    rows, columns = -(-height // 8), -(-width // 8)
    u = uniform(seed + "/label", batch * rows * columns).reshape(batch, rows, columns)
    cells = np.floor(u * classes).astype(np.uint8)
    result = cells.repeat(8, axis=1).repeat(8, axis=2)[:, :height, :width].copy()
    if ignore > 0:
        u = uniform(seed + "/ignore", batch * height * width)
        result[u.reshape(result.shape) < ignore] = 255
    return torch.from_numpy(result[:, None])
