"""The last step of augmentation, on the device: flip and normalize.

What is drawn for each sample stands in stream.py; crops are taken where images are read, in resident.py and
decoded.py.
"""

import torch
from torch import Tensor

from gengap.config.schema import Data
from gengap.errors import UserError, counted


def scale_and_shift(config: Data, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Scale and shift, each (C, 1, 1) float32: scale * pixels + shift = (pixels / 255 - mean) / std."""
    std = torch.tensor(config.std, device=device).view(-1, 1, 1)
    return 1 / (255 * std), -torch.tensor(config.mean, device=device).view(-1, 1, 1) / std


class FlipAndNormalize:
    """Maps pixels (B, C, H, W) uint8 to (pixels / 255 - mean) / std in float32, flipped on request.

    Args:
        config: `mean` and `std`, one value per channel each, of pixels scaled to [0, 1].
        channels: C.
        device: where the pixels will be.

    Raises:
        UserError: data.mean or data.std doesn't have one value per channel.
    """

    def __init__(self, config: Data, channels: int, device: torch.device) -> None:
        for key, values in (("data.mean", config.mean), ("data.std", config.std)):
            if len(values) != channels:
                raise UserError(
                    f"{key} has {counted(len(values), 'value')} and the images of "
                    f"data.name={config.name} have {channels} channels: give it one value per channel"
                )
        self._scale, self._shift = scale_and_shift(config, device)

    def __call__(self, pixels: Tensor, flips: Tensor | None = None) -> Tensor:
        """Normalize a batch; images whose entry in flips (B,), bool or 0 and 1, is true are mirrored."""
        if flips is not None:
            pixels = torch.where(flips.bool().view(-1, 1, 1, 1), pixels.flip(-1), pixels)
        return torch.addcmul(self._shift, pixels.float(), self._scale)
