"""Lightning's Trainer, logging a loss and an accuracy as shown in its introduction."""

import logging
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from gengap.bench.peers.batches import batches, versions
from gengap.bench.requests import Requests
from gengap.bench.typical import optimizer
from gengap.config.schema import Config
from gengap.models import build


class Classifier(lightning.LightningModule):  # type: ignore[misc]  # not installed with gengap
    """A network with cross-entropy and SGD."""

    def __init__(self, config: Config, network: nn.Module) -> None:
        super().__init__()
        self._config, self.network = config, network

    def training_step(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
        """Compute the mean loss of a batch."""
        images, labels = batch
        output = self.network(images)
        loss = nn.functional.cross_entropy(output, labels)
        self.log("train_loss", loss)
        self.log("train_accuracy", (output.argmax(1) == labels).float().mean())
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Create SGD or ADAM with the workload's hyperparameters."""
        return optimizer(self._config, self.network)


class AfterUpdate(Callback):  # type: ignore[misc]  # not installed with gengap
    """Reports each completed update, i.e. after as many batches as it accumulates."""

    def __init__(self, requests: Requests, accumulated: int) -> None:
        self._requests, self._accumulated, self._batches = requests, accumulated, 0

    def on_train_batch_end(self, *arguments: Any) -> None:
        """Handle the end of a batch, as Lightning's hook."""
        self._batches += 1
        if self._batches % self._accumulated == 0:
            self._requests.after_update()


def train(config: Config, requests: Requests, *, in_memory: bool) -> None:
    """Train until the command exits."""
    size = config.method.ghost_size or config.method.batch_size
    ghosts = config.method.batch_size // size
    loader, classes = batches(config, size, in_memory=in_memory)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # hides notes about missing devices
    trainer = lightning.Trainer(
        accelerator="cpu" if config.runtime.device == "cpu" else "auto",
        devices=1,
        precision="bf16-mixed" if config.precision == "bf16" else "32-true",
        accumulate_grad_batches=ghosts,
        limit_train_batches=len(loader) // ghosts * ghosts,
        gradient_clip_val=config.method.clip_norm,
        max_epochs=-1,
        callbacks=[AfterUpdate(requests, ghosts)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    network = build(config.model.name, classes, **config.model.options)
    requests.built("Lightning", versions(["lightning"]))
    trainer.fit(Classifier(config, network), loader)
