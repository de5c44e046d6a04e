"""Build a trainer from a configuration, and estimate the memory its updates need."""

import logging
from functools import partial

import torch
from torch import nn

from gengap.config.schema import Config
from gengap.data.device_images import to_device
from gengap.data.sources import Source
from gengap.data.splits import Splits
from gengap.data.stream import Stream
from gengap.ghost import convert
from gengap.layers.convert import use_gpu_layers
from gengap.regime import Regime, check_updates
from gengap.training.allocator import FRAGMENTATION, has_room, keep_freed_memory
from gengap.training.dry_run import check_network, check_smallest_batch
from gengap.training.memory import update_bytes, vectors
from gengap.training.network import build_network
from gengap.training.ranks import ALONE, Ranks
from gengap.training.shares import share
from gengap.training.trainer import Trainer

log = logging.getLogger(__name__)

LESS_MEMORY = "set runtime.micro_batch to a few ghosts, or precision=bf16 (without ghosts only bf16 helps)"


def build_trainer(
    config: Config,
    source: Source,
    splits: Splits,
    regime: Regime,
    device: torch.device,
    ranks: Ranks = ALONE,
) -> Trainer:
    """Build the trainer of a run, ready for its first update.

    Raises:
        UserError: the batch is larger than the training set, the regime has no updates, or the network can't
            be built, can't train on these images, or can't train on several ranks.
    """
    samples = len(splits.train)
    check_updates(config, samples)
    model = build_network(config, source.num_classes)
    if config.method.ghost_size is not None:
        _convert(config, model, config.method.ghost_size)
    model.to(device).to(memory_format=torch.channels_last)
    if device.type == "cuda":
        use_gpu_layers(model, bf16=config.precision == "bf16")
    train = to_device(splits.train, config, device, augment=True)
    stream = Stream(
        config.seed,
        regime.batches,
        train.crop_positions,
        moving=train.moving,
        share=partial(share, method=config.method, rank=ranks.rank, ranks=ranks.size),
    )
    check_network(config, model, train.shape, source.num_classes)
    trainer = Trainer(config, model, train, stream, regime, ranks)
    check_smallest_batch(config, model, train.shape, samples, trainer.micro_batch)
    if device.type == "cpu":
        keep_freed_memory(_needed(trainer))
    return trainer


def _convert(config: Config, model: nn.Module, ghost_size: int) -> None:
    kinds = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.SyncBatchNorm  # convert reports the others
    if any(isinstance(module, kinds) for module in model.modules()):
        convert(model, ghost_size)
        return
    log.info(
        "model.name=%s has no BatchNorm1d, 2d or 3d: method.ghost_size=%d changes nothing in it, "
        "the method's other settings apply",
        config.model.name,
        ghost_size,
    )


def memory_line(trainer: Trainer) -> str:
    """Format a line with the estimated memory of an update, excluding the data set."""
    needed = _needed(trainer)
    keeps = trainer.flat.weights.device.type == "cpu" and has_room(needed)
    most = f" to {_mebibytes(FRAGMENTATION * needed)}" if keeps and needed > 2**20 else ""
    size = f"{_mebibytes(needed)}{most} MiB"
    return f"estimated memory per update: {size}, {trainer.micro_batch:,} images at a time"


def _mebibytes(size: float) -> str:
    return f"{max(1, round(size / 2**20)):,}"


def _needed(trainer: Trainer) -> int:
    kept = vectors(trainer.config)
    return update_bytes(trainer.model, trainer.train.shape, trainer.micro_batch, trainer.bf16, kept)
