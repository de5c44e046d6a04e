"""From a configuration to a trainer at its first update, and what that update takes of the memory."""

import torch

from gengap.config.schema import Config
from gengap.data.device_images import to_device
from gengap.data.sources import Source
from gengap.data.splits import Splits
from gengap.data.stream import Stream
from gengap.errors import UserError
from gengap.ghost import convert
from gengap.models import build
from gengap.randomness import Purpose, key
from gengap.regime import Regime
from gengap.training.device import keep_freed_memory
from gengap.training.dry_run import check_network
from gengap.training.memory import update_bytes
from gengap.training.model_options import fitting_options
from gengap.training.trainer import Trainer

FEWER = "set runtime.micro_batch to some ghosts, or precision=bf16; without ghosts only the latter helps"


def build_trainer(
    config: Config, source: Source, splits: Splits, regime: Regime, device: torch.device
) -> Trainer:
    """Model, data and stream of a run, at its first update.

    Raises:
        UserError: the batch is larger than the training set, the regime shorter than an update, or the
            network can't be built or can't train on these images.
    """
    samples, batch_size = len(splits.train), config.method.batch_size
    if batch_size > samples:
        limited = "" if config.data.limit is None else ", or raise data.limit"
        raise UserError(
            f"method.batch_size={batch_size} is more than the {samples} training samples: lower it{limited}"
        )
    if regime.updates < 1:
        raise UserError(
            f"workload.epochs={config.workload.epochs} at batch {batch_size} makes no update: raise it"
        )
    with torch.random.fork_rng():
        torch.manual_seed(key(config.seed, Purpose.INIT, 0))
        model = build(config.model.name, source.num_classes, **fitting_options(config))
    if config.method.ghost_size is not None:
        convert(model, config.method.ghost_size)
    model.to(device).to(memory_format=torch.channels_last)
    train = to_device(splits.train, config, device, augment=True)
    stream = Stream(
        config.seed, samples, batch_size, train.crop_positions, config.protocol.keep_partial_batch
    )
    trainer = Trainer(config, model, train, stream, regime)
    check_network(trainer, train.shape, source.num_classes, samples)
    if device.type == "cpu":
        keep_freed_memory(_needed(trainer))
    return trainer


def memory_line(trainer: Trainer) -> str:
    """What an update needs, about, beside the data set: to be said before the first one."""
    mebibytes = max(1, round(_needed(trainer) / 2**20))
    return f"an update needs about {mebibytes:,} MiB, {trainer.samples_at_a_time:,} images at a time"


def _needed(trainer: Trainer) -> int:
    return update_bytes(trainer.model, trainer.image_shape, trainer.samples_at_a_time, trainer.bf16)
