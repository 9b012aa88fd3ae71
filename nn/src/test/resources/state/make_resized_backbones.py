"""Makes resized_vit.pth and resized_radio.pth: backbone weights of other sizes and what PyTorch's
own interpolation makes of them. Run in this folder with PyTorch 1.13 or later."""

import torch
from torch.nn.functional import interpolate

torch.manual_seed(5)


def half_pixel(x, side):
    return interpolate(x, size=(side, side), mode="bicubic", align_corners=False)


def corners(x, side):
    return interpolate(x, size=(side, side), mode="bicubic", align_corners=True)


def table(x, kept, side, resize):
    """Rows behind the first `kept` are a square map."""
    head, rows = x[:, :kept], x[:, kept:]
    n = int(rows.shape[1] ** 0.5)
    maps = resize(rows.reshape(1, n, n, -1).permute(0, 3, 1, 2), side)
    return torch.cat([head, maps.permute(0, 2, 3, 1).flatten(1, 2)], 1)


def vit():
    kernel = torch.randn(5, 3, 14, 14)
    larger = torch.randn(1, 1 + 37 * 37, 3)
    smaller = torch.randn(1, 1 + 3 * 3, 3)
    torch.save(
        {
            "model": {
                "patch_embed.proj.weight": kernel,
                "pos_embed": larger,
                "cls_token": torch.randn(1, 1, 3),
                "mask_token": torch.randn(1, 3),
            },
            "smaller": smaller,
            "expected": {
                "patch_embed.proj.weight": half_pixel(kernel, 16),
                "pos_embed": table(larger, 1, 16, half_pixel),
                "smaller": table(smaller, 1, 4, half_pixel),
            },
        },
        "resized_vit.pth",
    )


def radio():
    positions = torch.randn(1, 5 * 5, 3).half()
    embedder = torch.randn(4, 3 * 14 * 14)
    maps = embedder.reshape(4, 3, 14, 14)
    torch.save(
        {
            "state_dict": {
                "radio_model.input_conditioner.norm_mean": torch.randn(3, 1, 1),
                "radio_model.input_conditioner.norm_std": torch.randn(3, 1, 1),
                "radio_model.summary_idxs": torch.tensor([0, 1, 2]),
                "radio_model.model.blocks.0.ls1.grandma": torch.randn(4),
                "radio_model.model.patch_generator.pos_embed": positions,
                "radio_model.model.patch_generator.embedder.weight": embedder,
            },
            "expected": {
                "patch_generator.pos_embed": table(positions.float(), 0, 12, corners),
                "patch_generator.embedder.weight": corners(maps, 16).reshape(4, -1),
            },
        },
        "resized_radio.pth",
    )


vit()
radio()
