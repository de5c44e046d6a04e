"""The paper's networks, selected by name, and the user's own, selected by `package.module:factory`."""

from collections.abc import Callable
from typing import Any

from torch import nn

from gengap.config.factory import called, imported
from gengap.errors import UserError
from gengap.models.alexnet import alexnet
from gengap.models.f1 import f1
from gengap.models.keskar import c1, c2, keskar_c1
from gengap.models.resnet import resnet44, wresnet16_4
from gengap.models.signature import call
from gengap.models.vgg import vgg

MODELS: dict[str, Callable[..., nn.Module]] = {
    "f1": f1,
    "c1": c1,
    "c2": c2,
    "c3": c1,  # C3 and C4 are C1 and C2 with 100 classes
    "c4": c2,
    "keskar_c1": keskar_c1,
    "keskar_c3": keskar_c1,
    "resnet44": resnet44,
    "vgg": vgg,
    "wresnet16_4": wresnet16_4,
    "alexnet": alexnet,
}


def build(name: str, /, num_classes: int, **options: Any) -> nn.Module:
    """Build a network with newly initialized weights, drawn from torch's global generator.

    Args:
        name: a key of MODELS, or `package.module:factory`, called as factory(num_classes=..., **options); see
            `models.signature.classes_argument` for factories without an argument of that name.
        num_classes: number of logits per image.
        options: further keyword arguments of the factory.

    Returns:
        A module that maps images (B, C, H, W) to logits (B, num_classes).

    Raises:
        UserError: there is no such network, or its factory does not take these arguments or returns no
            Module.
    """
    try:
        network = called("model.name", name, lambda: call(name, builder(name), num_classes, options))
    except TypeError as error:
        raise UserError(f"model.name={name} can't be built with model.options={options}: {error}") from error
    if not isinstance(network, nn.Module):
        kind = type(network)
        found = f"a {kind.__module__}.{kind.__qualname__}"
        raise UserError(f"model.name={name} returned {found}: let it return a torch.nn.Module")
    return network


def builder(name: str) -> Callable[..., nn.Module]:
    """Look up the factory of a network.

    Raises:
        UserError: there is no such network.
    """
    return MODELS[name] if name in MODELS else imported("model.name", name, MODELS)
