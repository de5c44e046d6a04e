"""A typical training loop, as found in tutorials and in the paper's released code.

It is the baseline of the comparison, so nothing in it is tuned.
"""

from collections.abc import Iterator
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from gengap.config.schema import Config, Data
from gengap.cores import usable_cores
from gengap.data.sources import Images
from gengap.models import build

WORKERS = 8  # DataLoader workers, if there are that many cores


class PilImages(Dataset[tuple[Tensor, int]]):
    """Images as in torchvision's data sets: one PIL image at a time, through its transforms."""

    def __init__(self, images: Images, transform: Any) -> None:
        self._pixels, self._labels, self._transform = images.images, images.labels, transform

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        pixels = self._pixels[index]
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        return self._transform(image), int(self._labels[index])


def augmentation(data: Data, size: int) -> Any:
    """Build the workload's augmentation from torchvision's transforms, for images of size x size."""
    return transforms.Compose(
        [
            transforms.RandomCrop(size, padding=data.crop_padding, fill=data.pad_value),
            *([transforms.RandomHorizontalFlip()] if data.flip else []),
            transforms.ToTensor(),
            transforms.Normalize(data.mean, data.std),
        ]
    )


def loader(
    config: Config, images: Images, batch_size: int, device: torch.device
) -> DataLoader[tuple[Tensor, int]]:
    """Create a loader of shuffled batches, augmented by torchvision in up to WORKERS processes."""
    workers = min(WORKERS, usable_cores())
    return DataLoader(
        PilImages(images, augmentation(config.data, images.images.shape[1])),
        batch_size=batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        persistent_workers=workers > 0,
    )


def device_of(config: Config) -> torch.device:
    """Choose the GPU if there is one and the configuration allows it, otherwise the CPU."""
    return torch.device("cuda" if config.runtime.device != "cpu" and torch.cuda.is_available() else "cpu")


def optimizer(config: Config, model: nn.Module) -> torch.optim.Optimizer:
    """Create torch's optimizer with the workload's first learning rate and weight decay."""
    workload, parameters = config.workload, model.parameters()
    rate, decay = workload.lr[0], workload.weight_decay[0]
    if workload.optimizer == "adam":
        beta1, beta2 = workload.adam_betas
        return torch.optim.Adam(
            parameters, rate, betas=(beta1, beta2), eps=workload.adam_eps, weight_decay=decay
        )
    return torch.optim.SGD(parameters, rate, momentum=config.protocol.momentum, weight_decay=decay)


class TypicalLoop:
    """Trains on `images` with the configuration's batch size, ghosts and recipe."""

    def __init__(self, config: Config, images: Images, num_classes: int, device: torch.device):
        self._config, self._device = config, device
        self._loader = loader(config, images, config.method.batch_size, device)
        self._model = build(config.model.name, num_classes, **config.model.options).to(device)
        self._optimizer = optimizer(config, self._model)
        self._criterion = nn.CrossEntropyLoss()
        self._batches = self._endless()

    def _endless(self) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from self._loader

    def update(self) -> None:
        """Make one step; with ghosts, one forward and backward pass per ghost, accumulating gradients."""
        images, labels = next(self._batches)
        images, labels = images.to(self._device), labels.to(self._device)
        ghosts = max(1, len(labels) // (self._config.method.ghost_size or len(labels)))
        self._optimizer.zero_grad()
        correct, total_loss = 0, 0.0
        for x, y in zip(images.chunk(ghosts), labels.chunk(ghosts), strict=True):
            output = self._model(x)
            loss = self._criterion(output, y) / ghosts
            loss.backward()
            total_loss += loss.item()
            correct += (output.argmax(1) == y).sum().item()
        if self._config.method.clip_norm is not None:
            nn.utils.clip_grad_norm_(self._model.parameters(), self._config.method.clip_norm)
        self._optimizer.step()
