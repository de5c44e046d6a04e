"""Load the network of a finished run, including the input normalization it was trained with."""

import re
import shlex
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from gengap.config.compose import compose_config, from_record
from gengap.config.identity import run_name
from gengap.config.schema import Config, Data
from gengap.data.augmentation import scale_and_shift
from gengap.data.load import NUM_CLASSES
from gengap.errors import FaultError, UserError
from gengap.faults import is_of_memory
from gengap.models import build
from gengap.runs.record import RECORD, WEIGHTS, read_record
from gengap.runs.schema import Status
from gengap.runs.weights import kept_weights
from gengap.training.model_options import fitting_options

_OF_A_SIZE = re.compile("size|shape", re.IGNORECASE)  # matches torch's messages about wrong sizes
ROUNDING = 0.01  # by how much floats may exceed 0..1, to allow for bfloat16 rounding


class Classifier(nn.Module):
    """Maps pixels (B, C, H, W) to float32 logits (B, classes), just as the run evaluated its network.

    Pixels are uint8 in 0..255 or floating point in 0..1; C, H and W must match the run's images. Resize and
    crop photographs first, according to data.resize and data.crop. If the run has precision=bf16, the forward
    pass is autocast to bfloat16. Only uint8 pixels, whose range needs no check, work inside torch.func.vmap
    and CUDA graph capture.

    Args:
        network: maps normalized float32 images (B, C, H, W) to logits (B, classes); kept as `network`.
        config: configuration of the run, for data.mean, data.std and precision.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module, config: Config) -> None:
        super().__init__()
        self.network = network
        scale, shift = scale_and_shift(config.data)
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)
        self._bf16 = config.precision == "bf16"

    def forward(self, pixels: Tensor) -> Tensor:
        """Normalize the pixels and return the network's logits.

        Raises:
            ValueError: the pixels have the wrong dtype, range, number of dimensions or number of channels, or
                a height and width the network can't process.
        """
        channels = len(self.scale)
        if pixels.dim() != 4 or pixels.shape[1] != channels:
            raise ValueError(f"expected pixels (B, {channels}, H, W), got {tuple(pixels.shape)}")
        if pixels.dtype != torch.uint8 and not pixels.is_floating_point():
            raise ValueError(f"expected uint8 pixels in 0..255, or floats in 0..1, got {pixels.dtype}")
        values = pixels.to(self.scale.dtype)
        if pixels.dtype != torch.uint8:
            _check_range(pixels)
            values = 255 * values
        images = torch.addcmul(self.shift, values, self.scale)
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=self._bf16):
            logits = self._logits(images)
        return logits.to(self.scale.dtype)

    def _logits(self, images: Tensor) -> Tensor:
        if torch.compiler.is_compiling():
            return cast(Tensor, self.network(images))
        try:
            return cast(Tensor, self.network(images))
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            if isinstance(error, torch.OutOfMemoryError) or not _OF_A_SIZE.search(reason):
                raise
            size = "x".join(map(str, images.shape[2:]))
            advice = f"pass them as large as the run's ({reason})"
            raise ValueError(f"the network can't take images of {size}: {advice}") from error


def _check_range(pixels: Tensor) -> None:
    """Reject floating-point pixels outside 0..1, since their logits would look plausible.

    This synchronizes with the GPU in every call with floats, so that a mistake in any batch is caught. Under
    torch.compile and torch.export there are no values to read, and nothing is checked.
    """
    if not torch.compiler.is_compiling() and ((pixels - 0.5).abs() > 0.5 + ROUNDING).any():
        raise ValueError(
            f"expected floating-point pixels in 0..1, got {pixels.min():.4g} to {pixels.max():.4g}: divide "
            "pixels in 0..255 by 255, or pass them as uint8; do not normalize them, the model does"
        )


def load_trained(directory: Path) -> Classifier:
    """Load a run's trained network from run.json and weights.pt, in evaluation mode and on the CPU.

    Raises:
        UserError: there is no finished run, it has no weights, or they belong to another network.
        UnreadableError: the record is damaged or was written by a newer version, or the weights are not those
            it describes.
    """
    record = read_record(directory)
    if record is None:
        raise UserError(f"{directory} has no {RECORD}: name a run's folder, as in mine/runs/NAME/seed0")
    if record["status"] != Status.FINISHED:
        raise UserError(f"{directory} has not finished: it has no trained network yet; type gengap status")
    file = directory / WEIGHTS
    if kept_weights(directory, record) is None:
        raise UserError(
            f"{directory} has no {WEIGHTS}: name another results_dir, or delete this folder, and type "
            f"{_command(directory, record)} runtime.keep_weights=true"
        )
    config = from_record(record["config"])
    options, num_classes = fitting_options(config), _num_classes(directory, record, config.data)
    with torch.random.fork_rng(devices=()):
        network = build(config.model.name, num_classes, **options)
    try:
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    except Exception as error:  # damaged files raise whatever the unpickler raises
        if is_of_memory(error):
            raise
        reason = " ".join(str(error).split())
        raise FaultError(
            f"{file} can't be loaded into model.name={config.model.name}: {reason}; restore it, or delete "
            "its folder and train the run again"
        ) from error
    return Classifier(network, config).eval()


def _num_classes(directory: Path, record: dict[str, Any], data: Data) -> int:
    """Number of classes in the run's data set; records older than `data.classes` don't state it."""
    name = data.name
    inferred = None if name == "imagenet" != data.folder else NUM_CLASSES.get(name)
    found = record["data"].get("classes", inferred)
    if found is None:
        raise UserError(
            f'{directory / RECORD} does not say how many classes {name} has: add "classes": N to its "data"'
        )
    return int(found)


def _command(directory: Path, record: dict[str, Any]) -> str:
    """Command that trains the run again; spelled out if only workload, method and the like were chosen."""
    chosen = {key: record["config"][key]["name"] for key in ("workload", "method", "protocol")}
    words = [f"{key}={name}" for key, name in chosen.items()] + [f"precision={record['config']['precision']}"]
    try:
        same = run_name(compose_config(words)).endswith(f"-{record['digest']}")
    except UserError:  # a workload of the user's own
        same = False
    if not same:
        return "the command that trained it, with"
    _, _, results_dir, *_ = directory.absolute().parents
    return shlex.join(["gengap", "train", *words, f"seed={record['seed']}", f"results_dir={results_dir}"])
