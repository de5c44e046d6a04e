"""Batch norm layers that convert() leaves alone, and what to do about them."""

from collections import defaultdict
from collections.abc import Collection

from torch import jit, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.lazy import LazyModuleMixin

NAMES_SHOWN = 3  # per type; a network may have hundreds of layers


def other_batch_norms(model: nn.Module, fitting: Collection[nn.Module]) -> dict[str, nn.Module]:
    """Find all batch norm layers that are not in `fitting`, keyed by their name in the model."""
    fits = {id(module) for module in fitting}
    modules = ((name, module) for name, module in model.named_modules() if id(module) not in fits)
    return {name: module for name, module in modules if isinstance(module, _BatchNorm) or _scripted(module)}


def in_words(others: dict[str, nn.Module]) -> str:
    """Describe the layers per type: their number, the first few names, and advice."""
    groups: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for name, module in others.items():
        groups[_scripted(module) or type(module).__name__, _advice(module)].append(name or "the model")
    return "; ".join(f"{_counted(kind, names)}: {advice}" for (kind, advice), names in groups.items())


def _counted(kind: str, names: list[str]) -> str:
    shown = names[:NAMES_SHOWN] + ["..."] * (len(names) > NAMES_SHOWN)
    return f"{len(names)} x {kind} ({', '.join(shown)})"


def _scripted(module: nn.Module) -> str:
    """Type name of a scripted batch norm; empty for any other layer."""
    if not isinstance(module, jit.ScriptModule):
        return ""
    original = str(getattr(module, "original_name", ""))
    return f"scripted {original}" if "BatchNorm" in original else ""


def _advice(module: nn.Module) -> str:
    if _scripted(module):
        return "convert before scripting"
    if isinstance(module, LazyModuleMixin):
        return "run a batch through the model before convert"
    if isinstance(module, nn.SyncBatchNorm):
        return "ghosts are statistics of one process, so use BatchNorm1d, 2d or 3d"
    if type(module).__name__.startswith("GhostBatchNorm"):
        return "of another copy of this folder, whose convert takes it"
    plain = next(
        (kind for kind in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d) if isinstance(module, kind)), None
    )
    instead = "BatchNorm1d, 2d or 3d" if plain is None else plain.__name__
    return f"replace by {instead}, followed by what the subclass adds, such as an activation"
