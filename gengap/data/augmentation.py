"""The last step of augmentation, on the device: flip, rotate, shift and normalize.

Random draws per sample are made in stream.py; crops are taken where images are read, in resident.py and
decoded.py.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from gengap.config.schema import Data
from gengap.errors import UserError, counted

MOST_USUAL = 4  # channels; more may be the height or width of channels-first arrays


def scale_and_shift(config: Data, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Scale and shift, each (C, 1, 1) float32: scale * pixels + shift = (pixels / 255 - mean) / std."""
    std = torch.tensor(config.std, device=device).view(-1, 1, 1)
    return 1 / (255 * std), -torch.tensor(config.mean, device=device).view(-1, 1, 1) / std


def padding(config: Data, channels: int, device: torch.device | None = None) -> Tensor:
    """Padding value of every channel (C, 1, 1), float32 on the pixel scale of 0 to 255."""
    values = torch.full((channels, 1, 1), float(config.pad_value), device=device)
    if config.pad_first_channel:
        values[1:] = 0
    return values


def moves(config: Data) -> bool:
    """Whether training images are rotated or shifted."""
    return config.rotation > 0 or config.shift > 0


def moved(images: Tensor, angles: Tensor, shifts: Tensor, fill: Tensor) -> Tensor:
    """Rotate images about their center, then shift them, with bilinear interpolation.

    Args:
        images: floating-point images (B, C, H, W).
        angles: clockwise rotation (B,) in degrees.
        shifts: shift (B, 2) to the right and down, as fractions of width and height.
        fill: value (C, 1, 1) of pixels from outside the image.
    """
    height, width = images.shape[2:]
    radians = angles * (math.pi / 180)
    cos, sin = radians.cos(), radians.sin()
    right, down = width * shifts[:, 0], height * shifts[:, 1]
    # Where each pixel comes from, in pixels from the center: undo the shift first, then the rotation
    rows = [[cos, sin, -cos * right - sin * down], [-sin, cos, sin * right - cos * down]]
    # affine_grid works in units of half the width and half the height
    sides = (width, height)
    scaled = [
        [row[0] * (width / side), row[1] * (height / side), row[2] * (2 / side)]
        for row, side in zip(rows, sides, strict=True)
    ]
    theta = torch.stack([torch.stack(row, 1) for row in scaled], 1)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images - fill, grid, align_corners=False) + fill


class FlipAndNormalize:
    """Maps uint8 pixels (B, C, H, W) to float32 (pixels / 255 - mean) / std, optionally flipped and moved.

    Args:
        config: provides `mean` and `std`, one value per channel, for pixels scaled to [0, 1]; the largest
            rotation and shift, and the padding that fills the uncovered area.
        channels: number of channels C.
        device: device the pixels will be on.

    Raises:
        UserError: data.mean or data.std doesn't have one value per channel.
    """

    def __init__(self, config: Data, channels: int, device: torch.device) -> None:
        for key, values in (("data.mean", config.mean), ("data.std", config.std)):
            if len(values) != channels:
                order = "" if channels <= MOST_USUAL else " (arrays are (N, height, width, channels))"
                raise UserError(
                    f"{key} has {counted(len(values), 'value')} and the images of "
                    f"data.name={config.name} have {channels} channels: give it one value per channel{order}"
                )
        self._scale, self._shift = scale_and_shift(config, device)
        self._rotation, self._largest_shift = config.rotation, config.shift
        self._fill = padding(config, channels, device)

    def __call__(self, pixels: Tensor, flips: Tensor | None = None, motions: Tensor | None = None) -> Tensor:
        """Normalize a batch.

        Args:
            pixels: uint8 pixels (B, C, H, W).
            flips: (B,) bool or 0/1; images with a true entry are mirrored horizontally.
            motions: rotations and shifts (B, 3) as in stream.Batch; None for neither.
        """
        if flips is not None:
            pixels = torch.where(flips.bool().view(-1, 1, 1, 1), pixels.flip(-1), pixels)
        images = pixels.float()
        if motions is not None:
            angles, shifts = self._rotation * motions[:, 0], self._largest_shift * motions[:, 1:]
            images = moved(images, angles, shifts, self._fill)
            images = images.contiguous(memory_format=torch.channels_last)
        return torch.addcmul(self._shift, images, self._scale)
