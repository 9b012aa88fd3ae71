"""ViT-Adapter backbones (NV-DINOv2, C-RADIO v2) of the PyTorch opponent (see peer.py).

Not needed to run ChangeNet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from peer_layers import (
    Conv2d,
    ConvTranspose2d,
    DropPath,
    LayerScale,
    PairBatchNorm2d,
    attention,
    resize,
    to_map,
    to_tokens,
)

Grid = tuple[int, int]


@dataclass(frozen=True)
class VitConfig:
    """Sizes of a vision transformer and its adapter; swiglu is the packed hidden width, 0 for GELU."""

    width: int
    depth: int
    heads: int
    radio: bool
    swiglu: int = 0
    spm_width: int = 56
    deform_heads: int = 16
    points: int = 4
    position_grid: int = 128
    prefix_tokens: int = 8
    drop_path: float = 0.0

    @property
    def channels(self) -> tuple[int, ...]:
        return (self.width,) * 4

    @property
    def adapter_eps(self) -> float:
        return 1e-5 if self.radio else 1e-6


VIT_CONFIGS = {
    "vit_large_nvdinov2": VitConfig(
        1024, 24, 16, radio=False, swiglu=5472, prefix_tokens=1, drop_path=0.4
    ),
    "c_radio_v2_vit_base_patch16_224": VitConfig(768, 12, 12, radio=True),
    "c_radio_v2_vit_large_patch16_224": VitConfig(1024, 24, 16, radio=True),
    "c_radio_v2_vit_huge_patch16_224": VitConfig(1280, 32, 16, radio=True),
}


class Attention(nn.Module):
    """Multi-head self-attention with one product for q, k and v."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        return self.proj(attention(q, k, v).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Two linear layers with a GELU or, packed, a SwiGLU whose gate is the first half."""

    def __init__(self, width: int, hidden: int, packed: bool) -> None:
        super().__init__()
        self.packed = packed
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden // 2 if packed else hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(x)
        if not self.packed:
            return self.fc2(F.gelu(x))
        gate, value = x.chunk(2, dim=-1)
        return self.fc2(F.silu(gate) * value)


class VitBlock(nn.Module):
    """Pre-norm transformer block; layer scales only in NV-DINOv2."""

    def __init__(self, config: VitConfig, drop_path: float) -> None:
        super().__init__()
        width, packed = config.width, config.swiglu > 0
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, config.heads)
        self.ls1 = nn.Identity() if config.radio else LayerScale(width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, config.swiglu if packed else 4 * width, packed)
        self.ls2 = nn.Identity() if config.radio else LayerScale(width)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path(self.ls1(self.attn(self.norm1(x))))
        return x + self.drop_path(self.ls2(self.mlp(self.norm2(x))))


def conv_bn_relu(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    """3x3 convolution without bias, batch norm, ReLU."""
    return [
        Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        PairBatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


class SpatialPrior(nn.Module):
    """Convolutional maps at 1/4 (as a map), 1/8, 1/16 and 1/32 (as tokens)."""

    def __init__(self, inner: int, width: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *conv_bn_relu(3, inner, 2),
            *conv_bn_relu(inner, inner, 1),
            *conv_bn_relu(inner, inner, 1),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.conv2 = nn.Sequential(*conv_bn_relu(inner, 2 * inner, 2))
        self.conv3 = nn.Sequential(*conv_bn_relu(2 * inner, 4 * inner, 2))
        self.conv4 = nn.Sequential(*conv_bn_relu(4 * inner, 4 * inner, 2))
        self.fc1 = Conv2d(inner, width, 1)
        self.fc2 = Conv2d(2 * inner, width, 1)
        self.fc3 = Conv2d(4 * inner, width, 1)
        self.fc4 = Conv2d(4 * inner, width, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        a1 = self.stem(x)
        a2 = self.conv2(a1)
        a3 = self.conv3(a2)
        a4 = self.conv4(a3)
        tokens = (to_tokens(self.fc2(a2)), to_tokens(self.fc3(a3)), to_tokens(self.fc4(a4)))
        return (self.fc1(a1), *tokens)


def pixel_centres(grids: list[Grid]) -> Tensor:
    """Normalised (x, y) of the cells of some grids, [1,N,1,1,2]."""
    parts = []
    for rows, columns in grids:
        y = (torch.arange(rows) + 0.5) / rows
        x = (torch.arange(columns) + 0.5) / columns
        pair = torch.stack((x.expand(rows, columns), y[:, None].expand(rows, columns)), 2)
        parts.append(pair.flatten(0, 1))
    return torch.cat(parts)[None, :, None, None]


class DeformableAttention(nn.Module):
    """Multi-scale deformable attention by grid_sample.

    References are pixel centres of the query grids; offsets are in pixels of the sampled level.
    """

    references: Tensor
    steps: Tensor

    def __init__(
        self, width: int, heads: int, points: int, queries: list[Grid], levels: list[Grid]
    ) -> None:
        super().__init__()
        self.heads, self.points, self.levels = heads, points, levels
        samples = heads * len(levels) * points
        self.sampling_offsets = nn.Linear(width, 2 * samples)
        self.attention_weights = nn.Linear(width, samples)
        self.value_proj = nn.Linear(width, width // 2)
        self.output_proj = nn.Linear(width // 2, width)
        # grid_sample's coordinates run from -1 to 1
        self.register_buffer("references", 2 * pixel_centres(queries) - 1, persistent=False)
        steps = torch.tensor([(2 / columns, 2 / rows) for rows, columns in levels])
        self.register_buffer("steps", steps, persistent=False)
        self._spread_offsets()

    def _spread_offsets(self) -> None:
        """Starts with one direction per head, points at growing distance, equal weights."""
        angle = torch.arange(self.heads) * (2 * math.pi / self.heads)
        direction = torch.stack((angle.cos(), angle.sin()), 1)
        direction = direction / direction.abs().amax(1, keepdim=True)
        distance = torch.arange(1, self.points + 1, dtype=torch.float32)
        bias = direction[:, None, None] * distance[:, None]
        bias = bias.expand(self.heads, len(self.levels), self.points, 2)
        nn.init.zeros_(self.sampling_offsets.weight)
        self.sampling_offsets.bias.data = bias.flatten().clone()
        nn.init.zeros_(self.attention_weights.weight)
        nn.init.zeros_(self.attention_weights.bias)

    def forward(self, query: Tensor, feature: Tensor) -> Tensor:
        batch, count, _ = query.shape
        shape = (self.heads, len(self.levels), self.points)
        value = self.value_proj(feature)
        offsets = self.sampling_offsets(query).unflatten(2, (*shape, 2)).float()
        weights = self.attention_weights(query).unflatten(2, (self.heads, -1)).float().softmax(-1)
        # [B,heads,1,N,levels*points], then one batch entry per head as grid_sample wants it
        weights = weights.transpose(1, 2).flatten(0, 1)[:, None]
        lengths = [rows * columns for rows, columns in self.levels]
        sampled = []
        for level, part in enumerate(value.float().split(lengths, dim=1)):
            rows, columns = self.levels[level]
            maps = part.transpose(1, 2).reshape(batch * self.heads, -1, rows, columns)
            grid = self.references + offsets[:, :, :, level] * self.steps[level]
            grid = grid.transpose(1, 2).flatten(0, 1)
            sampled.append(F.grid_sample(maps, grid, align_corners=False))
        out = (torch.cat(sampled, dim=-1) * weights).sum(-1)
        out = out.unflatten(0, (batch, self.heads)).permute(0, 3, 1, 2).flatten(2)
        return self.output_proj(out.to(value.dtype))


class Injector(nn.Module):
    """Adds what patch tokens find in the spatial features."""

    def __init__(self, config: VitConfig, patches: Grid, levels: list[Grid]) -> None:
        super().__init__()
        width = config.width
        self.query_norm = nn.LayerNorm(width, eps=config.adapter_eps)
        self.feat_norm = nn.LayerNorm(width, eps=config.adapter_eps)
        self.attn = DeformableAttention(
            width, config.deform_heads, config.points, [patches], levels
        )
        self.ls = LayerScale(width)

    def forward(self, query: Tensor, feature: Tensor) -> Tensor:
        return query + self.ls(self.attn(self.query_norm(query), self.feat_norm(feature)))


class TokenDepthwise(nn.Module):
    """One depthwise 3x3 applied to each of the three maps in a token sequence."""

    def __init__(self, width: int, grids: list[Grid]) -> None:
        super().__init__()
        self.grids = grids
        self.dwconv = Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, x: Tensor) -> Tensor:
        parts = x.split([rows * columns for rows, columns in self.grids], dim=1)
        maps = [
            to_tokens(self.dwconv(to_map(part, *grid))) for part, grid in zip(parts, self.grids)
        ]
        return torch.cat(maps, dim=1)


class ConvFfn(nn.Module):
    """Linear, depthwise convolution, GELU, linear."""

    def __init__(self, width: int, grids: list[Grid]) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, width // 4)
        self.dwconv = TokenDepthwise(width // 4, grids)
        self.fc2 = nn.Linear(width // 4, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.dwconv(self.fc1(x))))


class Extractor(nn.Module):
    """Adds what spatial features find in the patch tokens, then a convolutional MLP."""

    def __init__(self, config: VitConfig, patches: Grid, levels: list[Grid]) -> None:
        super().__init__()
        width, eps = config.width, config.adapter_eps
        self.query_norm = nn.LayerNorm(width, eps=eps)
        self.feat_norm = nn.LayerNorm(width, eps=eps)
        self.attn = DeformableAttention(
            width, config.deform_heads, config.points, levels, [patches]
        )
        self.ffn = ConvFfn(width, levels)
        self.ffn_norm = nn.LayerNorm(width, eps=eps)
        self.drop_path = DropPath(config.drop_path)

    def forward(self, query: Tensor, feature: Tensor) -> Tensor:
        query = query + self.attn(self.query_norm(query), self.feat_norm(feature))
        return query + self.drop_path(self.ffn(self.ffn_norm(query)))


class Interaction(nn.Module):
    """Injector and extractor around some transformer blocks."""

    def __init__(self, config: VitConfig, patches: Grid, levels: list[Grid], last: bool) -> None:
        super().__init__()
        self.injector = Injector(config, patches, levels)
        self.extractor = Extractor(config, patches, levels)
        if last:
            self.extra_extractors = nn.ModuleList(
                Extractor(config, patches, levels) for _ in range(2)
            )
        self.last = last

    def forward(
        self, prefix: Tensor, tokens: Tensor, spatial: Tensor, blocks: list[nn.Module]
    ) -> tuple[Tensor, Tensor, Tensor]:
        tokens = self.injector(tokens, spatial)
        x = torch.cat((prefix, tokens), dim=1)
        for block in blocks:
            x = block(x)
        prefix, tokens = x.split((prefix.shape[1], tokens.shape[1]), dim=1)
        spatial = self.extractor(spatial, tokens)
        if self.last:
            for extractor in self.extra_extractors:
                spatial = extractor(spatial, tokens)
        return prefix, tokens, spatial


class PatchEmbed(nn.Module):
    """16x16 patches to tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = Conv2d(3, width, 16, stride=16)

    def forward(self, x: Tensor) -> Tensor:
        return to_tokens(self.proj(x))


class ClassTokens(nn.Module):
    """Class and register tokens of C-RADIO."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(count, width) * width**-0.5)


class PatchGenerator(nn.Module):
    """C-RADIO's patch tokens with positions taken from a large table, and prefix tokens."""

    random_positions = True
    unit_grid: Tensor

    def __init__(self, config: VitConfig, patches: Grid) -> None:
        super().__init__()
        width, side = config.width, config.position_grid
        self.side, self.patches = side, patches
        self.pos_embed = nn.Parameter(torch.randn(1, side * side, width) * width**-0.5)
        self.embedder = nn.Linear(3 * 16 * 16, width, bias=False)
        self.cls_token = ClassTokens(config.prefix_tokens, width)
        rows, columns = torch.linspace(0, 1, patches[0]), torch.linspace(0, 1, patches[1])
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        self.register_buffer("unit_grid", torch.stack((x, y), 2)[None], persistent=False)

    def _fixed_positions(self) -> Tensor:
        """The table resized to the grid, [1,N,C]."""
        table = to_map(self.pos_embed, self.side, self.side)
        longest = max(self.patches)
        table = F.interpolate(
            table, size=(longest, longest), mode="bilinear", align_corners=True
        )
        return to_tokens(table[:, :, : self.patches[0], : self.patches[1]])

    def _random_positions(self, batch: int) -> Tensor:
        """A random crop of the table per sample, dropped for a tenth of them, [B,N,C]."""
        draw = torch.rand(batch, 5, device=self.pos_embed.device)
        size = 0.1**0.5 + draw[:, :1] * (1 - 0.1**0.5)
        aspect = torch.exp((2 * draw[:, 1:2] - 1) * math.log(4 / 3))
        extent = torch.cat((size * aspect, size / aspect), 1).clamp(max=1)
        corner = draw[:, 2:4] * (1 - extent)
        grid = corner[:, None, None] + self.unit_grid * extent[:, None, None]
        table = to_map(self.pos_embed, self.side, self.side).expand(batch, -1, -1, -1)
        sampled = F.grid_sample(table.float(), 2 * grid - 1, align_corners=True)
        kept = draw[:, 4:].gt(0.1).to(sampled.dtype)
        return to_tokens(sampled) * kept[:, None]

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        batch = image.shape[0]
        rows, columns = self.patches
        blocks = image.reshape(batch, 3, rows, 16, columns, 16).permute(0, 2, 4, 1, 3, 5)
        tokens = self.embedder(blocks.reshape(batch, rows * columns, 768))
        if self.training and self.random_positions:
            tokens = tokens + self._random_positions(batch).to(tokens.dtype)
        else:
            tokens = tokens + self._fixed_positions()
        return self.cls_token.token.to(tokens.dtype).expand(batch, -1, -1), tokens


class RadioCore(nn.Module):
    """Blocks and patch generator of C-RADIO."""

    def __init__(self, config: VitConfig, patches: Grid) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(VitBlock(config, 0.0) for _ in range(config.depth))
        self.patch_generator = PatchGenerator(config, patches)


def nested(name: str, module: nn.Module) -> nn.Module:
    """A module that only holds another one, for the sake of its name."""
    holder = nn.Module()
    holder.add_module(name, module)
    return holder


class AdapterBackbone(nn.Module):
    """A vision transformer with the adapter: images to four maps at 1/4, 1/8, 1/16 and 1/32."""

    strides = (4, 8, 16, 32)

    def __init__(
        self, config: VitConfig, size: tuple[int, int], model_size: int, summary: bool
    ) -> None:
        super().__init__()
        width = config.width
        self.config, self.channels = config, config.channels
        self.patches: Grid = (size[0] // 16, size[1] // 16)
        self.model_grid = model_size // 16
        rows, columns = self.patches
        self.levels: list[Grid] = [(2 * rows, 2 * columns), (rows, columns), (rows // 2, columns // 2)]
        self._add_core(width)
        self.spm = SpatialPrior(config.spm_width, width)
        self.interactions = nn.ModuleList(
            Interaction(config, self.patches, self.levels, last=index == 3) for index in range(4)
        )
        self.up = ConvTranspose2d(width, width, 2, stride=2)
        for index in range(1, 5):
            self.add_module(f"norm{index}", PairBatchNorm2d(width))
        self.summary = summary
        if summary:
            self.fc_summary = nn.Linear(config.prefix_tokens * width, width)
            for index in range(1, 5):
                self.add_module(f"conv{index}", Conv2d(2 * width, width, 1))

    def _add_core(self, width: int) -> None:
        """Registers the transformer in the order of the state dictionary."""
        config = self.config
        if config.radio:
            self.level_embed = nn.Parameter(torch.randn(3, width))
            core = RadioCore(config, self.patches)
            self.radio = nested("radio", nested("radio", nested("model", core)))
            return
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + self.model_grid**2, width) * 0.02)
        self.level_embed = nn.Parameter(torch.randn(3, width))
        self.patch_embed = PatchEmbed(width)
        rates = [config.drop_path * i / (config.depth - 1) for i in range(config.depth)]
        self.blocks = nn.ModuleList(VitBlock(config, rate) for rate in rates)
        self.norm = nn.LayerNorm(width, eps=1e-6)  # in the state dictionary, never applied

    def _tokens(self, image: Tensor) -> tuple[Tensor, Tensor, nn.ModuleList]:
        """Prefix tokens, patch tokens and the blocks."""
        if self.config.radio:
            core = self.radio.radio.radio.model
            return (*core.patch_generator(image), core.blocks)
        tokens = self.patch_embed(image)
        place, positions = self.pos_embed.split((1, self.model_grid**2), dim=1)
        if self.patches != (self.model_grid, self.model_grid):
            grid = to_map(positions, self.model_grid, self.model_grid)
            grid = F.interpolate(grid, size=self.patches, mode="bicubic", align_corners=False)
            positions = to_tokens(grid)
        prefix = (self.cls_token + place).to(tokens.dtype)
        return prefix.expand(tokens.shape[0], -1, -1), tokens + positions, self.blocks

    def forward(self, image: Tensor) -> list[Tensor]:
        finest, *spatial_parts = self.spm(image)
        spatial = torch.cat(
            [part + self.level_embed[level] for level, part in enumerate(spatial_parts)], dim=1
        )
        prefix, tokens, blocks = self._tokens(image)
        share = len(blocks) // 4
        outputs = []
        for index, interaction in enumerate(self.interactions):
            run = [blocks[index * share + i] for i in range(share)]
            prefix, tokens, spatial = interaction(prefix, tokens, spatial, run)
            outputs.append(to_map(tokens, *self.patches))
        maps = self._maps(finest, spatial, outputs)
        if self.summary:
            maps = self._fuse_summary(maps, prefix)
        norms = (self.norm1, self.norm2, self.norm3, self.norm4)
        return [norm(x) for norm, x in zip(norms, maps)]

    def _maps(self, finest: Tensor, spatial: Tensor, outputs: list[Tensor]) -> list[Tensor]:
        """Spatial features as maps, with the transformer's features added."""
        parts = spatial.split([rows * columns for rows, columns in self.levels], dim=1)
        c2, c3, c4 = (to_map(part, *grid) for part, grid in zip(parts, self.levels))
        c1 = self.up(c2) + finest
        return [
            c1 + resize(outputs[0], 4.0),
            c2 + resize(outputs[1], 2.0),
            c3 + outputs[2],
            c4 + resize(outputs[3], 0.5),
        ]

    def _fuse_summary(self, maps: list[Tensor], prefix: Tensor) -> list[Tensor]:
        """Joins the summary of the prefix tokens to every map."""
        summary = self.fc_summary(prefix.flatten(1))[:, :, None, None]
        convs = (self.conv1, self.conv2, self.conv3, self.conv4)
        fused = []
        for conv, x in zip(convs, maps):
            wide = summary.to(x.dtype).expand(-1, -1, x.shape[2], x.shape[3])
            fused.append(conv(torch.cat((wide, x), dim=1)))
        return fused
