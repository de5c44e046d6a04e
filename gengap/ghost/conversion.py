"""A network's batch norm turned into ghost batch norm."""

import warnings

from torch import jit, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .arguments import Partial, checked
from .base import GhostBatchNorm
from .layers import GhostBatchNorm1d, GhostBatchNorm2d, GhostBatchNorm3d

_GHOST_OF: dict[type[nn.Module], type[GhostBatchNorm]] = {
    nn.BatchNorm1d: GhostBatchNorm1d,
    nn.BatchNorm2d: GhostBatchNorm2d,
    nn.BatchNorm3d: GhostBatchNorm3d,
}


def convert(
    model: nn.Module, ghost_size: int, *, partial: Partial = "error", strict: bool = False
) -> nn.Module:
    """Turn every BatchNorm1d, 2d and 3d of a model into ghost batch norm, in place; return the model.

    Parameters, running statistics, hooks, training mode and all references to the layers stay; ghost batch
    norm gets the new arguments. A model that is itself a batch norm is turned too. Other batch norms stay as
    they are, with a warning that names them: SyncBatchNorm, other subclasses such as timm's BatchNormAct2d,
    layers that are scripted, and lazy ones that have not seen a batch.

    Args:
        model: with any layers.
        ghost_size: samples per ghost batch, the paper's |B_S|; GhostBatchNorm1d says which batches fit.
        partial: what to do with other batches, as in GhostBatchNorm1d.
        strict: raise where a batch norm would stay as it is, instead of warning.

    Raises:
        TypeError: ghost_size is not an integer.
        ValueError: ghost_size below 1, an unknown `partial`, or with `strict` a batch norm that would stay as
            it is. The model is unchanged.
    """
    arguments = checked(ghost_size, partial)
    others = _others(model)
    message = f"batch norm that convert doesn't turn into ghost batch norm: {', '.join(others)}"
    if others and strict:
        raise ValueError(message)
    for module in model.modules():
        if type(module) in _GHOST_OF:
            module.__class__ = _GHOST_OF[type(module)]  # the same object, so references to it stay valid
        if isinstance(module, GhostBatchNorm):
            module.set_ghosts(*arguments)
    if others:
        warnings.warn(message, stacklevel=2)
    return model


def _others(model: nn.Module) -> list[str]:
    """Name and type of every batch norm that is neither torch's own nor ghost batch norm."""
    kinds = {name: _other_kind(module) for name, module in model.named_modules()}
    return [f"{name or 'the model'} ({kind})" for name, kind in kinds.items() if kind]


def _other_kind(module: nn.Module) -> str:
    """The type's name, empty where convert has nothing to leave."""
    if isinstance(module, jit.ScriptModule):
        original = str(getattr(module, "original_name", ""))
        return f"scripted {original}" if "BatchNorm" in original else ""
    fits = (
        not isinstance(module, _BatchNorm) or isinstance(module, GhostBatchNorm) or type(module) in _GHOST_OF
    )
    return "" if fits else type(module).__name__
