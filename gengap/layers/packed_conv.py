"""Convolutions with few channels, computed as convolutions with more channels and fewer columns.

Tensor cores multiply blocks of 64 or more channels, so a convolution with 3 or 16 channels leaves most of
them idle. In channels_last memory, `pack` adjacent pixels of a row can be viewed as one pixel with `pack`
times as many channels, so packing costs no copy. Their convolution is the same sum, with zeros in the kernel.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEAST_INPUT, LEAST_OUTPUT = 24, 64  # channels after packing; the input's in multiples of 8, for tensor cores
LEAST_IMAGES = 1024  # for fewer, building the kernel takes longer than packing saves


class PackedConv2d(nn.Conv2d):
    """Conv2d whose forward pass packs pixels, with the same parameters and results.

    Requires stride 1, an odd kernel padded by half its size, and a packing of at least half the kernel's
    width. Falls back to Conv2d for batches of fewer than LEAST_IMAGES images, for widths that are not a
    multiple of the packing, and for images that are not in channels_last memory.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Map images (B, C, H, W) to (B, out_channels, H, W)."""
        pack = packing(self)
        if (
            len(input) < LEAST_IMAGES
            or input.shape[3] % pack
            or not input.is_contiguous(memory_format=torch.channels_last)
        ):
            return super().forward(input)
        weight = packed_weight(self.weight, pack).contiguous(memory_format=torch.channels_last)
        bias = None if self.bias is None else self.bias.repeat(pack)
        packed = F.conv2d(_pack(input, pack), weight, bias, padding=(self.kernel_size[0] // 2, 1))
        return _pack(packed, 1 / pack)


def packing(conv: nn.Conv2d) -> int:
    """Pixels per packed pixel: smallest power of two that gives enough channels; 1 if there are enough."""
    pack = 1
    while (
        pack * conv.in_channels < LEAST_INPUT
        or pack * conv.in_channels % 8
        or pack * conv.out_channels < LEAST_OUTPUT
    ):
        pack *= 2
    return pack


def can_pack(conv: nn.Conv2d) -> bool:
    """Whether a convolution can be packed, and packing would change it."""
    height, width = conv.kernel_size
    pack = packing(conv)
    return (
        conv.stride == conv.dilation == (1, 1)
        and conv.groups == 1
        and conv.padding_mode == "zeros"
        and height % 2 == width % 2 == 1
        and conv.padding == (height // 2, width // 2)
        and 1 < pack <= 8
        and width // 2 <= pack
    )


def packed_weight(weight: Tensor, pack: int) -> Tensor:
    """Build the kernel (pack O, pack C, K, 3) that is equivalent, on packed pixels, to `weight` (O, C, K, K).

    Output pixel q of a packed pixel sees input pixels q - K // 2 to q + K // 2, counted from the first pixel
    of the same packed pixel. All others in the packed pixel and its left and right neighbors get zeros.
    """
    out_channels, channels, height, width = weight.shape
    half = width // 2
    placed = [F.pad(weight, (pack + q - half, 2 * pack - 1 - q - half)) for q in range(pack)]
    split = torch.stack(placed).view(pack, out_channels, channels, height, 3, pack)
    return split.permute(0, 1, 5, 2, 3, 4).reshape(pack * out_channels, pack * channels, height, 3)


def _pack(images: Tensor, pack: float) -> Tensor:
    """View images (B, C, H, W) in channels_last memory as (B, pack C, H, W / pack)."""
    batch, channels, height, width = images.shape
    rows = images.permute(0, 2, 3, 1).reshape(batch, height, int(width / pack), int(channels * pack))
    return rows.permute(0, 3, 1, 2)
