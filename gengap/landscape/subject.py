"""The subject of a measurement: a run's network, with the data it was trained on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import nn

from gengap.config.identity import run_directory
from gengap.config.schema import Config
from gengap.data.device_images import DeviceImages, to_device
from gengap.data.load import load
from gengap.data.sources import Source
from gengap.data.splits import Splits, split
from gengap.errors import UserError
from gengap.landscape.batch_norm import Mode
from gengap.landscape.settings import Settings, SurfaceSettings
from gengap.landscape.surface import Surface
from gengap.randomness import Purpose, generator
from gengap.training.network import build_network
from gengap.training.trained import load_trained

DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Subject:
    """A run to measure.

    Attributes:
        config: configuration of the run.
        settings: settings of the measurement.
        device: device to measure on.
        between: called after every batch with its number of images; may raise an exception to stop.
    """

    config: Config
    settings: Settings
    device: torch.device
    between: Callable[[int], None]

    @cached_property
    def source(self) -> Source:
        """Data set of the run."""
        data = self.config.data
        return load(data.name, data.root, data.folder, packed=data.packed)

    @cached_property
    def splits(self) -> Splits:
        """Training and validation sets of the run."""
        return split(self.source, self.config.data, self.config.seed)

    @cached_property
    def train(self) -> DeviceImages:
        """Training images to measure on: all, or settings.samples of them, the same for every run.

        Raises:
            UserError: there are not that many.
        """
        images, samples = self.splits.train, self._of_surface.samples
        if samples is not None:
            if samples > len(images):
                raise UserError(f"samples={samples} is more than the {len(images)} training images: lower it")
            chosen = generator(0, Purpose.SAMPLE, 0).permutation(len(images))[:samples]
            images = images.take(np.sort(chosen))
        return to_device(images, self.config, self.device, augment=False)

    @cached_property
    def validation(self) -> DeviceImages:
        """Validation images."""
        return to_device(self.splits.validation, self.config, self.device, augment=False)

    def trained(self, config: Config | None = None) -> nn.Module:
        """Load the trained network, or that of another run if its configuration is given.

        Raises:
            UserError: the run has not finished or kept no weights; the message gives the command to make
            them.
        """
        config = config or self.config
        return self._placed(load_trained(run_directory(config)).network)

    def initial(self) -> nn.Module:
        """Build the network as it is before its first update, with ordinary batch norm."""
        return self._placed(build_network(self.config, self.source.num_classes))

    def _placed(self, network: nn.Module) -> nn.Module:
        network = network.to(self.device, DTYPES[self._of_surface.dtype])
        return network.to(memory_format=torch.channels_last)

    @property
    def _of_surface(self) -> SurfaceSettings:
        """Settings of the surface; the defaults for kinds that don't have their own."""
        return self.settings if isinstance(self.settings, SurfaceSettings) else SurfaceSettings()

    def surface(self, network: nn.Module) -> Surface:
        """Create the loss surface around a network, according to the settings.

        Raises:
            UserError: its batch norm can't be measured in this mode.
        """
        mode = Mode(self.settings.batch_norm)
        return Surface(network, self.train, mode, self._of_surface.batch, self.between)
