"""A network's batch norm turned into ghost batch norm, and back."""

import warnings
from typing import TypeVar

from torch import nn

from .arguments import Partial, checked, checked_model
from .base import GhostBatchNorm
from .layers import GhostBatchNorm1d, GhostBatchNorm2d, GhostBatchNorm3d
from .others import in_words, other_batch_norms

_GHOST_OF: dict[type[nn.Module], type[GhostBatchNorm]] = {
    nn.BatchNorm1d: GhostBatchNorm1d,
    nn.BatchNorm2d: GhostBatchNorm2d,
    nn.BatchNorm3d: GhostBatchNorm3d,
}
_Model = TypeVar("_Model", bound=nn.Module)
_PLAIN_OF: dict[type[nn.Module], type[nn.Module]] = {ghost: plain for plain, ghost in _GHOST_OF.items()}


def convert(model: _Model, ghost_size: int, *, partial: Partial = "error", strict: bool = False) -> _Model:
    """Turn every BatchNorm1d, 2d and 3d of a model into ghost batch norm, in place; return the model.

    Parameters, running statistics, hooks, training mode and all references to the layers stay; ghost batch
    norm gets the new arguments, `partial` too. A model that is itself a batch norm is turned as well. Other
    batch norms stay as they are, with a warning that counts them and says what to do: SyncBatchNorm, other
    subclasses such as timm's BatchNormAct2d, layers that are scripted, and lazy ones that have not seen a
    batch. A model without any batch norm is warned of, too.

    Args:
        model: with any layers.
        ghost_size: samples per ghost batch, the paper's |B_S|; GhostBatchNorm1d says which batches fit.
        partial: what to do with other batches, as in GhostBatchNorm1d.
        strict: raise instead of warning.

    Raises:
        TypeError: ghost_size is not an integer, or model not a module.
        ValueError: ghost_size below 1, an unknown `partial`, or with `strict` a batch norm that would stay as
            it is or a model without any. The model is unchanged.
    """
    arguments = checked(ghost_size, partial)
    modules = list(checked_model(model).modules())
    fitting = [m for m in modules if type(m) in _GHOST_OF or isinstance(m, GhostBatchNorm)]
    message = ""
    if others := other_batch_norms(model, fitting):
        message = f"batch norm that convert doesn't turn into ghost batch norm: {in_words(others)}"
    elif not fitting:
        message = f"convert finds no batch norm in {type(model).__name__}: nothing is converted"
    if message and strict:
        raise ValueError(message)
    for module in fitting:
        if type(module) in _GHOST_OF:
            module.__class__ = _GHOST_OF[type(module)]  # the same object, so references to it stay valid
        if isinstance(module, GhostBatchNorm):
            module.set_ghosts(*arguments)
    if message:
        warnings.warn(message, stacklevel=2)
    return model


def revert(model: _Model) -> _Model:
    """Turn every GhostBatchNorm1d, 2d and 3d of a model into ordinary batch norm, in place; return the model.

    The inverse of convert(), for tools that look for torch's own types, such as fuse_modules, or replace
    every batch norm. Parameters, running statistics, hooks, training mode and all references to the layers
    stay, so in evaluation the model computes the same. Subclasses of the three stay as they are.

    Args:
        model: with any layers.

    Raises:
        TypeError: model is not a module.
    """
    for module in checked_model(model).modules():
        if type(module) in _PLAIN_OF:
            if isinstance(module, GhostBatchNorm):
                module.forget_ghosts()
            module.__class__ = _PLAIN_OF[type(module)]
    return model
