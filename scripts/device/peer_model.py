"""Visual ChangeNet of the PyTorch opponent (see peer.py); not needed to run ChangeNet."""

from __future__ import annotations

from typing import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from peer_fan import FAN_CONFIGS, FanBackbone, FanConfig
from peer_layers import Conv2d, ConvTranspose2d, resize
from peer_vit import VIT_CONFIGS, AdapterBackbone, VitConfig

BACKBONES = (*FAN_CONFIGS, *VIT_CONFIGS)
LOSS_WEIGHTS = (0.5, 0.5, 0.5, 0.8, 1.0)
IGNORED = 255


class Embed(nn.Module):
    """Per-pixel linear layer on [B,C,H,W]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.proj = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def conv_relu_bn_conv(inputs: int, outputs: int, relu: bool) -> nn.Sequential:
    """The decoder's difference (`relu` at the end) and prediction modules."""
    layers: list[nn.Module] = [
        Conv2d(inputs, outputs, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(outputs),
        Conv2d(outputs, outputs, 3, padding=1),
    ]
    if relu:
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


class NamedConv(nn.Module):
    """A convolution under the name conv2d."""

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv2d = conv

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2d(x)


class ResidualBlock(nn.Module):
    """x + 0.1 conv(relu(conv(x)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = NamedConv(Conv2d(width, width, 3, padding=1))
        self.conv2 = NamedConv(Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.1 * self.conv2(F.relu(self.conv1(x)))


class Decoder(nn.Module):
    """Compares two lists of four maps; five logit maps, coarsest first, the full size last."""

    def __init__(self, channels: Sequence[int], equal_last: bool, width: int, classes: int) -> None:
        super().__init__()
        self.equal_last = equal_last
        for k in (4, 3, 2, 1):
            self.add_module(f"linear_c{k}", Embed(channels[k - 1], width))
        for k in (4, 3, 2, 1):
            self.add_module(f"diff_c{k}", conv_relu_bn_conv(2 * width, width, relu=True))
        for k in (4, 3, 2, 1):
            self.add_module(f"make_pred_c{k}", conv_relu_bn_conv(width, classes, relu=False))
        self.linear_fuse = nn.Sequential(Conv2d(4 * width, width, 1), nn.BatchNorm2d(width))
        self.convd2x = NamedConv(ConvTranspose2d(width, width, 4, stride=2, padding=1))
        self.dense_2x = nn.Sequential(ResidualBlock(width))
        self.convd1x = NamedConv(ConvTranspose2d(width, width, 4, stride=2, padding=1))
        self.dense_1x = nn.Sequential(ResidualBlock(width))
        self.change_probability = NamedConv(Conv2d(width, classes, 3, padding=1))

    def forward(self, first: list[Tensor], second: list[Tensor]) -> list[Tensor]:
        stages = (
            (self.linear_c4, self.diff_c4, self.make_pred_c4),
            (self.linear_c3, self.diff_c3, self.make_pred_c3),
            (self.linear_c2, self.diff_c2, self.make_pred_c2),
            (self.linear_c1, self.diff_c1, self.make_pred_c1),
        )
        outputs, features = [], []
        coarser: Tensor | None = None
        for index, (linear, diff, predict) in enumerate(stages):
            a, b = linear(first[3 - index]), linear(second[3 - index])
            x = diff(torch.cat((a, b), dim=1))
            if coarser is not None:
                x = x + (coarser if index == 1 and self.equal_last else resize(coarser, 2.0))
            outputs.append(predict(x))
            features.append(x)
            coarser = x
        return outputs + [self._full_size(features)]

    def _full_size(self, features: list[Tensor]) -> Tensor:
        """Fuses the four scales at the finest and enlarges twice."""
        size = features[3].shape[2:]
        enlarged = [
            F.interpolate(x, size=size, mode="bilinear", align_corners=False)
            for x in features[:3]
        ]
        x = self.linear_fuse(torch.cat((*enlarged, features[3]), dim=1))
        x = self.dense_2x(self.convd2x(x))
        x = self.dense_1x(self.convd1x(x))
        return self.change_probability(x)


class ChangeNet(nn.Module):
    """Two images [B,3,H,W] to five logit maps [B,classes,h,w].

    With `stacked` the backbone sees both images as one batch (its batch norms keep them apart in
    training); else it is called once per image.
    """

    stacked = True

    def __init__(self, backbone: nn.Module, width: int, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        strides = backbone.strides
        self.decoder = Decoder(backbone.channels, strides[2] == strides[3], width, classes)

    def features(self, x1: Tensor, x2: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The four maps of each image."""
        if not self.stacked:
            return self.backbone(x1), self.backbone(x2)
        maps = [x.chunk(2) for x in self.backbone(torch.cat((x1, x2)))]
        return [first for first, _ in maps], [second for _, second in maps]

    def forward(self, x1: Tensor, x2: Tensor) -> list[Tensor]:
        return self.decoder(*self.features(x1, x2))


def build(
    config: FanConfig | VitConfig,
    size: tuple[int, int],
    *,
    model_size: int | None = None,
    summary: bool = False,
    width: int = 256,
    classes: int = 2,
) -> ChangeNet:
    """The network for images of `size`; `model_size` sets the length of NV-DINOv2's positions."""
    if isinstance(config, FanConfig):
        return ChangeNet(FanBackbone(config, size), width, classes)
    summary = summary or not config.radio
    backbone = AdapterBackbone(config, size, model_size or size[0], summary)
    return ChangeNet(backbone, width, classes)


def config_of(name: str) -> FanConfig | VitConfig:
    """The sizes behind a backbone's name."""
    found = FAN_CONFIGS.get(name) or VIT_CONFIGS.get(name)
    if found is None:
        raise ValueError(f"backbone: found {name}, expected one of {', '.join(BACKBONES)}")
    return found


def config_from_definition(definition: dict) -> FanConfig | VitConfig:
    """The sizes of a reduced network as a golden case describes it."""
    d = definition
    if "convnext_depths" in d:
        return FanConfig(
            d["embed_dim"],
            d["depth"],
            d["num_heads"],
            d["out_index"],
            tuple(d["convnext_depths"]),
            tuple(d["convnext_dims"]),
            d["cls_attn_layers"],
        )
    radio = "num_registers" in d
    return VitConfig(
        d["embed_dim"],
        d["depth"],
        d["num_heads"],
        radio=radio,
        swiglu=d.get("swiglu_packed_hidden", 0),
        spm_width=d["conv_inplane"],
        deform_heads=d["deform_num_heads"],
        points=d["n_points"],
        position_grid=d.get("cpe_max_size", 2048) // 16,  # pixels in the definition
        prefix_tokens=d["num_cls_tokens"] + d["num_registers"] if radio else 1,
    )


def losses(outputs: list[Tensor], label: Tensor) -> list[Tensor]:
    """Cross entropy of every output; the label [B,1,H,W] of bytes is shrunk to its size (nearest)."""
    result = []
    for x in outputs:
        target = label
        if x.shape[2] != label.shape[2]:
            target = F.interpolate(label.float(), size=x.shape[2:], mode="nearest")
        result.append(F.cross_entropy(x, target[:, 0].long(), ignore_index=IGNORED))
    return result


def total_loss(outputs: list[Tensor], label: Tensor) -> Tensor:
    """The weighted sum over all five outputs."""
    parts = losses(outputs, label)
    return torch.stack([w * part for w, part in zip(LOSS_WEIGHTS, parts)]).sum()
