"""Convert a network's batch norm layers to ghost batch norm, and back."""

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
    """Convert every BatchNorm1d, 2d and 3d in a model to ghost batch norm, in place; return the model.

    Parameters, running statistics, hooks, training mode and all references to the layers are preserved.
    Layers that already are ghost batch norm get the new arguments, including `partial`. The model may itself
    be a batch norm layer. Other kinds of batch norm are left alone, with a warning that counts them and says
    what to do: SyncBatchNorm, other subclasses such as timm's BatchNormAct2d, scripted layers, and lazy
    layers that have not seen a batch. A model with no batch norm at all also triggers a warning.

    Args:
        model: any module.
        ghost_size: samples per ghost batch, the paper's |B_S|; see GhostBatchNorm1d for valid batch sizes.
        partial: how to treat other batch sizes, as in GhostBatchNorm1d.
        strict: raise an error instead of warning.

    Raises:
        TypeError: ghost_size is not an integer, or model is not a module.
        ValueError: ghost_size is below 1, `partial` is unknown, or `strict` is set and the model has no batch
            norm or some that can't be converted. The model is left unchanged.
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
            module.__class__ = _GHOST_OF[type(module)]  # keeps the object, so references to it stay valid
        if isinstance(module, GhostBatchNorm):
            module.set_ghosts(*arguments)
    if message:
        warnings.warn(message, stacklevel=2)
    return model


def revert(model: _Model) -> _Model:
    """Convert every GhostBatchNorm1d, 2d and 3d in a model to ordinary batch norm in place; return the model.

    The inverse of convert(), for tools that look for torch's own types, such as fuse_modules, or that replace
    every batch norm. Parameters, running statistics, hooks, training mode and all references to the layers
    are preserved, so the model computes the same in evaluation mode. Subclasses of the three are left alone.

    Args:
        model: any module.

    Raises:
        TypeError: model is not a module.
    """
    for module in checked_model(model).modules():
        if type(module) in _PLAIN_OF:
            if isinstance(module, GhostBatchNorm):
                module.forget_ghosts()
            module.__class__ = _PLAIN_OF[type(module)]
    return model
