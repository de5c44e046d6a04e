"""The fingerprint of a network's source changes with what the network is made of, and with nothing else."""

import sys
from importlib import import_module, invalidate_caches

import pytest

from gengap.config.own_source import source_fingerprint
from gengap.models import MODELS

FILES = {
    "nets/__init__.py": "",
    "nets/own.py": """\
import nets.sizes as sizes
from torch import nn

from . import layers
from .blocks import Block as B

DEPTH = 2


def wrapped(function):
    return function


@wrapped
def network(num_classes):
    return nn.Sequential(*[B(sizes.WIDTH) for _ in range(DEPTH)], layers.last(num_classes))


def another():
    return 1
""",
    "nets/sizes.py": "WIDTH = 16\n",
    "nets/layers.py": "from .star import *\n\n\ndef last(n):\n    return head(n)\n",
    "nets/star.py": "def head(n):\n    return n\n\n\ndef tail():\n    return 0\n",
    "nets/blocks.py": "class Block:\n    def __init__(self, n):\n        self.act = 'relu'\n\n\nOTHER = 3\n",
}


@pytest.fixture
def fingerprint(tmp_path, monkeypatch):
    """The fingerprint of a network whose files have some text replaced."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(file="nets/own.py", old="", new=""):
        for name, text in FILES.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            assert name != file or old in text
            path.write_text(text.replace(old, new) if name == file and old else text)
        for module in [m for m in sys.modules if m.partition(".")[0] == "nets"]:
            monkeypatch.delitem(sys.modules, module)
        invalidate_caches()
        return source_fingerprint("nets.own:network", import_module("nets.own").network)

    return make


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("nets/own.py", "range(DEPTH)", "range(1)"),
        ("nets/own.py", "DEPTH = 2", "DEPTH = 3"),
        ("nets/own.py", "return function", "return lambda *a: function(*a)"),
        ("nets/blocks.py", "relu", "tanh"),
        ("nets/sizes.py", "16", "32"),
        ("nets/layers.py", "head(n)", "head(n + 1)"),
        ("nets/star.py", "return n", "return n + 1"),
    ],
)
def test_it_changes_with_every_definition_that_the_network_uses(file, old, new, fingerprint):
    assert fingerprint() != fingerprint(file, old, new)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("nets/own.py", "return 1", "return 2"),
        ("nets/own.py", "def another", "def one_more():\n    return 3\n\n\ndef another"),
        ("nets/blocks.py", "OTHER = 3", "OTHER = 4"),
        ("nets/star.py", "return 0", "return 1"),
    ],
)
def test_it_does_not_change_with_anything_else(file, old, new, fingerprint):
    assert fingerprint() == fingerprint(file, old, new)


def test_installed_networks_and_gengap_s_have_none():
    from torchvision.models import resnet18

    assert source_fingerprint("torchvision.models:resnet18", resnet18) is None
    assert source_fingerprint("gengap.models.f1:f1", MODELS["f1"]) is None
