"""The FAN hybrid backbones of the PyTorch opponent (see peer.py); not needed to run ChangeNet."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from peer_layers import (
    ChannelNorm,
    Conv2d,
    DropPath,
    PairBatchNorm2d,
    attention,
    split_heads,
    to_map,
    to_tokens,
)


@dataclass(frozen=True)
class FanConfig:
    """Sizes of a FAN backbone."""

    width: int
    depth: int
    heads: int
    out_index: int
    stem_depths: tuple[int, int] = (3, 3)
    stem_widths: tuple[int, int] = (128, 256)
    class_blocks: int = 2
    drop_path: float = 0.3

    @property
    def channels(self) -> tuple[int, ...]:
        return (*self.stem_widths, self.width, self.width)


FAN_CONFIGS = {
    "fan_tiny_8_p4_hybrid": FanConfig(192, 8, 8, 7),
    "fan_small_12_p4_hybrid": FanConfig(384, 10, 8, 9),
    "fan_base_16_p4_hybrid": FanConfig(448, 16, 8, 15),
    "fan_large_16_p4_hybrid": FanConfig(480, 22, 10, 18, (3, 5)),
}


class PointwiseMlp(nn.Module):
    """Two 1x1 convolutions with a GELU, computed as matrix products over [B,H,W,C]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(width, 4 * width, 1)
        self.fc2 = nn.Conv2d(4 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(F.linear(x, self.fc1.weight.flatten(1), self.fc1.bias))
        return F.linear(x, self.fc2.weight.flatten(1), self.fc2.bias)


class ConvNextBlock(nn.Module):
    """Depthwise 7x7, norm, MLP, scale and residual on [B,C,H,W]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), 1e-6))
        self.conv_dw = Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = ChannelNorm(width, unbiased=True)
        self.mlp = PointwiseMlp(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv_dw(x).permute(0, 2, 3, 1)
        y = self.mlp(self.norm.last(y)) * self.gamma
        return x + y.permute(0, 3, 1, 2)


class ConvNextStage(nn.Module):
    """Optional halving, then ConvNeXt blocks."""

    def __init__(self, inputs: int, width: int, depth: int, halve: bool) -> None:
        super().__init__()
        self.downsample: nn.Module = nn.Identity()
        if halve:
            self.downsample = nn.Sequential(
                ChannelNorm(inputs, unbiased=True), Conv2d(inputs, width, 2, stride=2)
            )
        self.blocks = nn.Sequential(*(ConvNextBlock(width) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.downsample(x))


class ConvNextStem(nn.Module):
    """Stem and two stages; maps at 1/4 and 1/8."""

    def __init__(self, widths: tuple[int, int], depths: tuple[int, int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            Conv2d(3, widths[0], 4, stride=4), ChannelNorm(widths[0], unbiased=False)
        )
        self.stages = nn.ModuleList(
            (
                ConvNextStage(widths[0], widths[0], depths[0], halve=False),
                ConvNextStage(widths[0], widths[1], depths[1], halve=True),
            )
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.stages[0](self.stem(x))
        return fine, self.stages[1](fine)


class HybridEmbed(nn.Module):
    """ConvNeXt maps and the patch projection of the coarser one."""

    def __init__(self, config: FanConfig) -> None:
        super().__init__()
        self.backbone = ConvNextStem(config.stem_widths, config.stem_depths)
        self.proj = Conv2d(config.stem_widths[1], config.width, 2, stride=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine, coarse = self.backbone(x)
        return fine, coarse, self.proj(coarse)


def fourier_table(height: int, width: int) -> Tensor:
    """Sine and cosine features [1,64,H,W] of row and column, rows first."""
    divisor = 10000.0 ** (torch.arange(16, dtype=torch.float64) / 16)

    def axis(size: int) -> Tensor:
        position = torch.arange(1, size + 1, dtype=torch.float64) / (size + 1e-6) * 2 * math.pi
        angle = position[:, None] / divisor
        return torch.stack((angle.sin(), angle.cos()), 2).flatten(1)

    rows = axis(height)[:, None].expand(height, width, 32)
    columns = axis(width)[None].expand(height, width, 32)
    return torch.cat((rows, columns), 2).permute(2, 0, 1)[None].float()


class FourierPosition(nn.Module):
    """Projection of the Fourier table to the token width; [1,H*W,C]."""

    table: Tensor

    def __init__(self, width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.token_projection = nn.Conv2d(64, width, 1)
        self.register_buffer("table", to_tokens(fourier_table(*grid)), persistent=False)

    def forward(self) -> Tensor:
        return F.linear(
            self.table, self.token_projection.weight.flatten(1), self.token_projection.bias
        )


class TokenMixing(nn.Module):
    """Attention over tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q = split_heads(self.q(x), self.heads)
        k, v = (split_heads(part, self.heads) for part in self.kv(x).chunk(2, dim=-1))
        return self.proj(attention(q, k, v).transpose(1, 2).flatten(2))


class DepthwisePair(nn.Module):
    """Depthwise 3x3, GELU, batch norm, depthwise 3x3 on [B,C,H,W]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = Conv2d(width, width, 3, padding=1, groups=width)
        self.bn = PairBatchNorm2d(width)
        self.conv2 = Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.bn(F.gelu(self.conv1(x))))


class DepthwiseMlp(nn.Module):
    """Two linear layers with a scaled depthwise branch between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(4 * width))
        self.fc1 = nn.Linear(width, 4 * width)
        self.dwconv = DepthwisePair(4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        x = self.fc1(x)
        branch = to_tokens(self.dwconv(to_map(x, height, width)))
        return self.fc2(x + self.gamma * branch)


class ChannelProcessing(nn.Module):
    """MLP whose channels are gated by the agreement of two softmaxes over the tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.mlp_v = DepthwiseMlp(width)
        self.norm_v = nn.LayerNorm(width)
        self.q = nn.Linear(width, width)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        query = self.q(x).softmax(1).unflatten(2, (self.heads, -1))
        key = x.softmax(1).unflatten(2, (self.heads, -1)).mean(3, keepdim=True)
        agreement = (query * key).sum(1)
        gate = (self.temperature[:, :, 0] * agreement.sigmoid()).flatten(1)
        return gate[:, None] * self.norm_v(self.mlp_v(x, height, width))


class FanBlock(nn.Module):
    """Token mixing and channel processing, each with scale, stochastic depth and residual."""

    def __init__(self, width: int, heads: int, drop_path: float) -> None:
        super().__init__()
        self.gamma1 = nn.Parameter(torch.ones(width))
        self.gamma2 = nn.Parameter(torch.ones(width))
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = TokenMixing(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = ChannelProcessing(width, heads)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        x = x + self.drop_path(self.gamma1 * self.attn(self.norm1(x)))
        return x + self.drop_path(self.gamma2 * self.mlp(self.norm2(x), height, width))


class IdleAttention(nn.Module):
    """Parameters of a class attention; kept for the names, see ClassBlock."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.q = nn.Linear(width, width)
        self.k = nn.Linear(width, width)
        self.v = nn.Linear(width, width)
        self.proj = nn.Linear(width, width)


class IdleMlp(nn.Module):
    """Parameters of a class token's MLP; kept for the names, see ClassBlock."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)


class ClassBlock(nn.Module):
    """What a class-attention block does to patch tokens: two norms and a scale.

    Patch tokens never read the class token, so its attention and MLP are left out. That spares this
    program work; their parameters have no gradient here and the optimizer skips them.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma1 = nn.Parameter(torch.ones(width))
        self.gamma2 = nn.Parameter(torch.ones(width))
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = IdleAttention(width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = IdleMlp(width)

    def forward(self, x: Tensor) -> Tensor:
        return 2 * self.norm2(x + self.gamma1 * self.norm1(x))


class FanBackbone(nn.Module):
    """Images [B,3,H,W] to four maps at 1/4, 1/8, 1/16 and 1/16."""

    strides = (4, 8, 16, 16)

    def __init__(self, config: FanConfig, size: tuple[int, int]) -> None:
        super().__init__()
        self.channels = config.channels
        self.out_index = config.out_index
        self.grid = (size[0] // 16, size[1] // 16)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.patch_embed = HybridEmbed(config)
        self.pos_embed = FourierPosition(config.width, self.grid)
        self.blocks = nn.ModuleList(
            FanBlock(config.width, config.heads, config.drop_path) for _ in range(config.depth)
        )
        self.cls_attn_blocks = nn.ModuleList(
            ClassBlock(config.width) for _ in range(config.class_blocks)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        fine, coarse, patches = self.patch_embed(image)
        x = to_tokens(patches) + self.pos_embed()
        middle = x
        for index, block in enumerate(self.blocks):
            x = block(x, *self.grid)
            if index == self.out_index:
                middle = x
        for block in self.cls_attn_blocks:
            x = block(x)
        return [fine, coarse, to_map(middle, *self.grid), to_map(x, *self.grid)]
