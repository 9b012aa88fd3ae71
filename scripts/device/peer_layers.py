"""Layers shared by the networks of the PyTorch opponent (see peer.py); not needed to run ChangeNet."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HAS_SDPA = hasattr(F, "scaled_dot_product_attention")


class Conv2d(nn.Conv2d):
    """A convolution that may ask for a memory format of its input; None takes what comes."""

    memory_format: torch.memory_format | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.memory_format is not None:
            x = x.contiguous(memory_format=self.memory_format)
        return super().forward(x)


class ConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution that may ask for a memory format of its input."""

    memory_format: torch.memory_format | None = None

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        if self.memory_format is not None:
            x = x.contiguous(memory_format=self.memory_format)
        return super().forward(x)


class PairBatchNorm2d(nn.BatchNorm2d):
    """Batch norm of a backbone that sees both images of a pair as one batch [first; second].

    In training each image has its own batch statistics, and the running statistics are updated twice,
    first image first, as if the backbone had been called once per image.
    """

    stacked = True

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and self.stacked):
            return super().forward(x)
        first, second = x.chunk(2)
        return torch.cat((super().forward(first), super().forward(second)))


class DropPath(nn.Module):
    """Stochastic depth: one draw per sample, kept samples divided by the keep probability.

    The probability is a tensor, so that blocks which differ in nothing else share compiled code.
    """

    keep: Tensor

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.active = probability > 0
        self.register_buffer("keep", torch.tensor(1.0 - probability), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and self.active):
            return x
        shape = (x.shape[0],) + (1,) * (x.dim() - 1)
        mask = torch.rand(shape, device=x.device).lt(self.keep)
        return x * (mask / self.keep).to(x.dtype)


class ChannelNorm(nn.Module):
    """Layer norm over the channels of [B,C,H,W] that divides the variance by C - 1 (`unbiased`) or C."""

    def __init__(self, channels: int, unbiased: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.unbiased = unbiased

    def last(self, x: Tensor) -> Tensor:
        """The norm of [B,H,W,C]."""
        channels, eps, weight = self.weight.shape[0], 1e-6, self.weight
        if self.unbiased:
            # 1/sqrt(r*v + eps) = r^-0.5 / sqrt(v + eps/r), so the library's fused layer norm will do.
            ratio = channels / (channels - 1)
            weight, eps = weight * ratio**-0.5, eps / ratio
        return F.layer_norm(x, (channels,), weight, self.bias, eps)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class LayerScale(nn.Module):
    """A learned factor per channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), 1e-5))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)) v of [B,heads,N,d]."""
    if HAS_SDPA:
        return F.scaled_dot_product_attention(q, k, v)
    weights = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    return weights.softmax(-1) @ v


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B,N,C] as [B,heads,N,C/heads]."""
    return x.unflatten(2, (heads, -1)).transpose(1, 2)


def to_map(tokens: Tensor, height: int, width: int) -> Tensor:
    """[B,H*W,C] as [B,C,H,W]; a view, which is channels_last in memory."""
    return tokens.unflatten(1, (height, width)).permute(0, 3, 1, 2)


def to_tokens(x: Tensor) -> Tensor:
    """[B,C,H,W] as [B,H*W,C]; a view where the map is channels_last."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def resize(x: Tensor, factor: float) -> Tensor:
    """Bilinear half-pixel resizing by a factor."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def set_layout(model: nn.Module, layout: str) -> None:
    """Chooses the memory format of all convolutions: channels_last, contiguous, or mixed.

    mixed is channels_last with the depthwise convolutions in planes.
    """
    for module in model.modules():
        if not isinstance(module, (Conv2d, ConvTranspose2d)):
            continue
        depthwise = isinstance(module, Conv2d) and module.groups > 1
        planar = layout == "contiguous" or (layout == "mixed" and depthwise)
        wanted = torch.contiguous_format if planar else torch.channels_last
        module.memory_format = wanted
        module.weight.data = module.weight.data.contiguous(memory_format=wanted)


def set_stacked(model: nn.Module, stacked: bool) -> None:
    """Whether the backbone sees both images as one batch or is called once per image."""
    for module in model.modules():
        if hasattr(module, "stacked"):
            module.stacked = stacked  # type: ignore[assignment]


def set_stochastic(model: nn.Module, on: bool) -> None:
    """Switches stochastic depth and the random crops of position embeddings off (for comparisons)."""
    for module in model.modules():
        if isinstance(module, DropPath) and not on:
            module.active = False
        if hasattr(module, "random_positions"):
            module.random_positions = on  # type: ignore[assignment]
