"""The last step of every batch, on the device: flipped and normalised."""

import torch
from torch import Tensor

from gengap.config.schema import Data
from gengap.errors import UserError


class Finish:
    """Turns pixels (B, C, H, W) uint8 into (x / 255 - mean) / std, float32, flipped where asked.

    Raises:
        UserError: data.mean or data.std has not one value a channel.
    """

    def __init__(self, config: Data, channels: int, device: torch.device) -> None:
        for key, values in (("data.mean", config.mean), ("data.std", config.std)):
            if len(values) != channels:
                raise UserError(
                    f"{key} has {len(values)} values and the images of data.name={config.name} have "
                    f"{channels} channels: give it one value a channel"
                )
        std = torch.tensor(config.std, device=device).view(-1, 1, 1)
        self._scale = 1 / (255 * std)
        self._shift = -torch.tensor(config.mean, device=device).view(-1, 1, 1) / std

    def __call__(self, pixels: Tensor, flips: Tensor | None = None) -> Tensor:
        """Finish a batch; flips (B,), true or 1, says which images are mirrored."""
        if flips is not None:
            pixels = torch.where(flips.bool().view(-1, 1, 1, 1), pixels.flip(-1), pixels)
        return torch.addcmul(self._shift, pixels.float(), self._scale)
