"""composer's Trainer, with its GhostBatchNorm and GradientClipping."""

import torch
from composer import Callback, Logger, State, Trainer
from composer.algorithms import GhostBatchNorm, GradientClipping
from composer.core import Algorithm
from composer.models import ComposerClassifier
from torch import nn

from gengap.bench.cases import SHAPES
from gengap.bench.peers.batches import batches, versions
from gengap.bench.requests import Requests
from gengap.bench.typical import device_of, optimizer
from gengap.config.schema import Config
from gengap.models import build
from gengap.training.memory import saved_bytes

SAVED_BYTES = 5 * 2**29  # limit on activations on a CPU; on a GPU, it is half of the memory


class AfterUpdate(Callback):  # type: ignore[misc]  # not installed with gengap
    """Reports each completed update."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def batch_end(self, state: State, logger: Logger) -> None:
        """Handle the end of a batch, as composer's hook."""
        self._requests.after_update()


def micro_batch(config: Config, network: nn.Module) -> int:
    """Halve the batch until its activations fit, which composer can't do by itself on a CPU."""
    _, height, width, channels, _ = SHAPES[config.data.name]
    device, size = device_of(config), config.method.batch_size
    on_gpu = device.type == "cuda"
    limit = torch.cuda.get_device_properties(device).total_memory // 2 if on_gpu else SAVED_BYTES
    in_bf16 = config.precision == "bf16"
    while size % 2 == 0 and saved_bytes(network, (channels, height, width), size, in_bf16) > limit:
        size //= 2
    return size


def train(config: Config, requests: Requests, *, in_memory: bool) -> None:
    """Train until the command exits."""
    method = config.method
    loader, classes = batches(config, method.batch_size, in_memory=in_memory)
    network = build(config.model.name, classes, **config.model.options)
    algorithms: list[Algorithm] = []
    if method.ghost_size is not None:
        algorithms.append(GhostBatchNorm(ghost_batch_size=method.ghost_size))
    if method.clip_norm is not None:
        algorithms.append(GradientClipping(clipping_type="norm", clipping_threshold=method.clip_norm))
    model = ComposerClassifier(network, num_classes=classes)
    trainer = Trainer(
        model=model,
        train_dataloader=loader,
        optimizers=optimizer(config, network),
        algorithms=algorithms,
        callbacks=[AfterUpdate(requests)],
        max_duration="1000000ep",
        device_train_microbatch_size=micro_batch(config, network),
        device="gpu" if device_of(config).type == "cuda" else "cpu",
        precision="amp_bf16" if config.precision == "bf16" else "fp32",
        progress_bar=False,
        auto_log_hparams=False,
    )
    requests.built("composer", versions(["mosaicml"]))
    trainer.fit()
