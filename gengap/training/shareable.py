"""Check whether several ranks can train a network exactly as one process would."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gengap.config.schema import Config
from gengap.errors import UserError
from gengap.ghost.base import GhostBatchNorm
from gengap.training.masks import Masks
from gengap.training.sandbox import sandboxed
from gengap.training.synchronized import SYNCHRONIZED

_SAMPLES = 2  # batch size of the trial forward pass


def check_batch_norm(config: Config, model: nn.Module) -> None:
    """Check that every batch norm can be computed over the whole batch, or over its ghosts.

    Raises:
        UserError: there is a batch norm of another kind, one without running statistics, or one with
            momentum=None (a cumulative average).
    """
    for name, module in model.named_modules():
        fits = isinstance(module, GhostBatchNorm) or (
            config.method.ghost_size is None and type(module) in SYNCHRONIZED
        )
        if isinstance(module, _BatchNorm) and not fits:
            wrong, instead = f"a {type(module).__name__}", "use BatchNorm1d, 2d or 3d"
        elif isinstance(module, _BatchNorm) and module.running_mean is None:
            wrong, instead = "batch norm without running statistics", "set track_running_stats=True"
        elif isinstance(module, _BatchNorm) and module.momentum is None:
            wrong, instead = "batch norm with momentum=None", "give it a momentum"
        else:
            continue
        raise UserError(
            f"model.name={config.model.name} has {wrong} ({name}), whose statistics several ranks can't "
            f"share: {instead}, or train in one process"
        )


@torch.no_grad()
def learn_draws(config: Config, model: nn.Module, masks: Masks, shape: tuple[int, int, int]) -> None:
    """Let `masks` record what dropout layers draw, in a forward pass without side effects.

    Raises:
        UserError: in training, the network draws random numbers outside nn.Dropout or changes buffers outside
            batch norm, neither of which would match those of one process.
    """
    parameter = next(model.parameters())
    images = torch.rand(_SAMPLES, *shape, generator=torch.Generator().manual_seed(0)).to(parameter.device)
    images = images.contiguous(memory_format=torch.channels_last)
    of_norms = {
        f"{name}.{buffer}" if name else buffer
        for name, module in model.named_modules()
        if isinstance(module, _BatchNorm)
        for buffer, _ in module.named_buffers(recurse=False)
    }
    before = {name: value.clone() for name, value in model.named_buffers() if name not in of_norms}
    autocast = torch.autocast(parameter.device.type, torch.bfloat16, enabled=config.precision == "bf16")
    with sandboxed(model), masks.recording(), autocast:
        state = masks.generator_state()
        model.train()(images)
        drew = not torch.equal(state, masks.generator_state())
        now = dict(model.named_buffers())
        changed = [name for name, value in before.items() if not torch.equal(value, now[name])]
    if drew or changed:
        what = "draws random numbers other than those of nn.Dropout" if drew else f"changes {changed[0]}"
        raise UserError(
            f"model.name={config.model.name} {what} in training, which several ranks can't do as one process "
            "does: train in one process"
        )
