"""Small surfaces for the tests: random images, and networks with and without convolutions."""

import numpy as np
import torch
from torch import nn

from gengap.config.schema import Data
from gengap.data.resident import Resident
from gengap.data.sources import Images
from gengap.landscape.batch_norm import Mode
from gengap.landscape.surface import Surface
from gengap.models.f1 import f1
from gengap.models.resnet import ResNet
from tests.networks import convolutional

COUNT, SIDE, CLASSES = 60, 8, 3
CHANNELS = {"f1": 1, "convolutional": 1, "residual": 3}
NETWORKS = {
    "f1": lambda: f1(CLASSES, in_features=SIDE * SIDE, width=8, depth=2),
    "convolutional": lambda: convolutional(CLASSES, SIDE * SIDE, 32),
    "residual": lambda: ResNet(CLASSES, width=4, blocks_per_stage=1),
}


def random_images(channels: int, count: int = COUNT) -> Resident:
    """Images whose class depends on their pixels, on the CPU."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (count, SIDE, SIDE, channels), dtype=np.uint8)
    labels = (pixels[:, :4].astype(np.int64).sum((1, 2, 3)) // 64) % CLASSES
    data = Data(name="random", mean=[0.5] * channels, std=[0.25] * channels)
    return Resident(Images(pixels, labels), data, torch.device("cpu"), augment=False)


def network(name: str, dtype: torch.dtype = torch.float64, seed: int = 0) -> nn.Module:
    """A network whose running statistics are those of training: near its data's, but not equal to them."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = NETWORKS[name]().to(dtype)
        for module in made.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.1)
        images = random_images(CHANNELS[name])
        with torch.no_grad():
            for batch, _ in images.evaluation_batches(20):
                made.train()(batch.to(dtype))
    return made.to(memory_format=torch.channels_last)


def surface(name: str, mode: Mode = Mode.TRAINED, batch: int = 25, **options) -> Surface:
    """The loss surface of a network in float64."""
    made = options.pop("network", None) or network(name)
    return Surface(made, random_images(CHANNELS[name]), mode, batch, **options)
