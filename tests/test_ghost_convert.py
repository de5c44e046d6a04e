"""convert() keeps all that a network has, and the result equals the network run one ghost after another."""

import copy
import importlib
import io
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from gengap import ghost
from gengap.ghost import GhostBatchNorm1d, GhostBatchNorm2d, GhostBatchNorm3d, convert, revert

EXACTLY = {"rtol": 0, "atol": 0}


def small_network():
    inner = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    return nn.Sequential(inner, nn.Flatten(), nn.Linear(16, 5), nn.BatchNorm1d(5, eps=1e-3, momentum=0.2))


def test_convert_in_place():
    model, calls = small_network(), []
    model(torch.randn(8, 3, 4, 4))
    inner, last = model[0][1], model[3].eval()
    last.weight.requires_grad_(False)
    inner.register_forward_hook(lambda *_: calls.append("forward"))
    inner.register_full_backward_hook(lambda *_: calls.append("backward"))
    before, parameters = copy.deepcopy(model.state_dict()), list(model.parameters())

    assert convert(model, 4) is model
    assert (model[0][1], model[3]) == (inner, last)
    assert (type(inner), type(last)) == (GhostBatchNorm2d, GhostBatchNorm1d)
    assert (inner.ghost_size, last.ghost_size) == (4, 4)
    assert (inner.training, last.training, last.eps, last.momentum) == (True, False, 1e-3, 0.2)
    assert [p.requires_grad for p in model.parameters()] == [True] * 6 + [False, True]
    assert [id(p) for p in model.parameters()] == [id(p) for p in parameters]  # optimizers hold these
    assert_close(model.state_dict(), before, **EXACTLY)

    model(torch.randn(8, 3, 4, 4)).sum().backward()
    assert calls == ["forward", "backward"]
    assert inner.num_batches_tracked == before["0.1.num_batches_tracked"] + 2
    convert(model, 2)
    assert (inner.ghost_size, last.ghost_size) == (2, 2)
    assert repr(model).count("ghost_size=2") == 2


def test_convert_ghost_size_below_one():
    model = small_network()
    with pytest.raises(ValueError, match="ghost_size must be at least 1"):
        convert(model, 0)
    assert type(model[3]) is nn.BatchNorm1d


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d])
def test_convert_a_bare_layer(kind):
    bare = kind(3)
    assert convert(bare, 4) is bare
    assert type(bare).__name__ == f"Ghost{kind.__name__}"
    assert type(bare).__bases__[1] is kind


class Activated(nn.BatchNorm2d):
    """A subclass, as timm's BatchNormAct2d is one."""

    def forward(self, input):
        return super().forward(input).relu()


SUBCLASS = "replace by {}, followed by what the subclass adds, such as an activation"


def left_alone():
    """Batch norm of every kind that isn't converted, and the words about it."""
    direct = type("Direct", (nn.modules.batchnorm._BatchNorm,), {})
    parametrized = torch.nn.utils.parametrizations.weight_norm(nn.BatchNorm1d(3), dim=0)
    model = nn.ModuleDict({"lazy": nn.LazyBatchNorm2d(), "sync": nn.SyncBatchNorm(3), "own": Activated(3)})
    model.update({"direct": direct(3), "parametrized": parametrized, "script": scripted(nn.BatchNorm1d(3))})
    return model, {
        "lazy": "LazyBatchNorm2d ({}): run a batch through the model before convert",
        "sync": "SyncBatchNorm ({}): ghosts are statistics of one process, so use BatchNorm1d, 2d or 3d",
        "own": "Activated ({}): " + SUBCLASS.format("BatchNorm2d"),
        "direct": "Direct ({}): " + SUBCLASS.format("BatchNorm1d, 2d or 3d"),
        "parametrized": "ParametrizedBatchNorm1d ({}): " + SUBCLASS.format("BatchNorm1d"),
        "script": "scripted BatchNorm1d ({}): convert before scripting",
    }


def scripted(module):
    with pytest.warns(FutureWarning, match="deprecated"):
        return torch.jit.script(module)


def test_convert_says_what_it_leaves_alone():
    others, words = left_alone()
    kinds = [type(module) for module in others.modules()]
    model = nn.ModuleDict({"others": others, "norm": nn.BatchNorm2d(3)})
    expected = "; ".join(f"1 x {text.format(f'others.{name}')}" for name, text in words.items())
    with pytest.warns(UserWarning, match=": " + re.escape(expected) + "$") as warned:
        assert convert(model, 4) is model
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert [type(module) for module in others.modules()] == kinds
    assert not any(hasattr(module, "ghost_size") for module in others.modules())
    assert type(model["norm"]) is GhostBatchNorm2d


@pytest.mark.parametrize(("count", "names"), [(3, "0.0, 0.1, 0.2"), (49, "0.0, 0.1, 0.2, ...")])
def test_many_of_a_kind_are_counted(count, names):
    model = nn.Sequential(nn.Sequential(*(Activated(3) for _ in range(count))), nn.SyncBatchNorm(3))
    pattern = rf": {count} x Activated ({names}): .*; 1 x SyncBatchNorm (1): "
    with pytest.warns(UserWarning, match=pattern.replace("(", r"\(").replace(")", r"\)")):
        convert(model, 4)


def test_strict_refuses_to_leave_any_alone():
    others, words = left_alone()
    for name, other in others.items():
        model = nn.Sequential(nn.BatchNorm2d(3), nn.ModuleDict({name: other}))
        with pytest.raises(ValueError, match=re.escape(words[name].format(f"1.{name}"))):
            convert(model, 4, strict=True)
        assert type(model[0]) is nn.BatchNorm2d
        with pytest.raises(ValueError, match=re.escape(words[name].format("the model"))):
            convert(other, 4, strict=True)


def test_model_without_batch_norm():
    model = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))
    with pytest.warns(UserWarning, match="no batch norm in Sequential") as warned:
        assert convert(model, 4) is model
    assert warned[0].filename == __file__
    with pytest.raises(ValueError, match="no batch norm in Sequential"):
        convert(model, 4, strict=True)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (small_network, "of type function: call it, and pass what it returns"),
        (nn.Sequential, "of type type: call it, and pass what it returns"),
        (small_network().state_dict(), "of type OrderedDict"),
        (None, "of type NoneType"),
    ],
    ids=["function", "class", "state_dict", "None"],
)
def test_what_is_no_model(model, words):
    for call in (lambda: convert(model, 4), lambda: revert(model)):
        with pytest.raises(TypeError, match=rf"must be a torch\.nn\.Module, not {words}$"):
            call()


def test_nothing_to_say():
    """Other normalizations have no statistics of a batch, and ghost batch norm is what is asked for."""
    others = [nn.InstanceNorm2d(3, track_running_stats=True), nn.LayerNorm(3), nn.GroupNorm(1, 3), nn.ReLU()]
    model = nn.Sequential(nn.BatchNorm2d(3), *others, GhostBatchNorm3d(3, 8), scripted(nn.Linear(3, 3)))
    convert(convert(model, 4, strict=True), 2, strict=True)  # warnings fail tests
    assert (model[0].ghost_size, model[5].ghost_size) == (2, 2)


def test_lazy_layer_after_its_first_batch():
    model = nn.Sequential(nn.LazyBatchNorm2d())
    model(torch.randn(4, 3, 2, 2))
    assert type(convert(model, 4, strict=True)[0]) is GhostBatchNorm2d


def test_sync_batch_norm_drops_the_ghosts_but_strict_tells():
    """As docs/python.md says: torch replaces every batch norm, subclasses too, by its own."""
    model = nn.SyncBatchNorm.convert_sync_batchnorm(convert(small_network(), 4))
    assert [type(model[0][1]), type(model[3])] == [nn.SyncBatchNorm, nn.SyncBatchNorm]
    with pytest.raises(ValueError, match=r"2 x SyncBatchNorm \(0\.1, 3\)"):
        convert(model, 4, strict=True)


NO_INTEGERS = [
    4.0,
    True,
    False,
    "4",
    None,
    [4],
    np.float32(4),
    np.True_,
    torch.tensor(4),
    4 + 0j,
    float("nan"),
]


@pytest.mark.parametrize("size", NO_INTEGERS, ids=repr)
def test_ghost_sizes_that_are_no_integers(size):
    model = small_network()
    calls = [lambda: convert(model, size), lambda: convert(nn.ReLU(), size)]
    kinds = [GhostBatchNorm1d, GhostBatchNorm2d, GhostBatchNorm3d]
    for call in [*calls, *(lambda kind=kind: kind(3, size) for kind in kinds)]:
        with pytest.raises(TypeError, match=re.escape(f"ghost_size must be an integer, not {size!r}")):
            call()
    assert type(model[3]) is nn.BatchNorm1d


@pytest.mark.parametrize("size", [np.int64(4), np.uint8(4), np.array(4)], ids=repr)
def test_ghost_sizes_of_numpy(size):
    for layer in (GhostBatchNorm1d(3, size), convert(nn.BatchNorm1d(3), size)):
        assert (type(layer.ghost_size), layer.ghost_size) == (int, 4)
        layer(torch.randn(8, 3))


def test_folder_can_be_copied(tmp_path):
    """It needs only torch, and no name of its own."""
    shutil.copytree(Path(ghost.__file__).parent, tmp_path / "norms")
    program = "import sys, norms; norms.GhostBatchNorm1d(3, 2); print('gengap' in sys.modules)"
    command = [sys.executable, "-P", "-c", program]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_copies():
    model, file, x = convert(small_network(), 4), io.BytesIO(), torch.randn(8, 3, 4, 4)
    torch.save(model, file)
    file.seek(0)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model)), torch.load(file, weights_only=False)]
    expected = model(x)
    for other in copies:
        assert torch.equal(other(x), expected)
        assert_close(other.state_dict(), model.state_dict(), **EXACTLY)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_torchvision_network_is_itself_one_ghost_after_another(name):
    models = pytest.importorskip("torchvision.models", exc_type=ImportError)
    torch.manual_seed(0)
    plain = models.get_model(name, weights=None, num_classes=4).double()
    for module in plain.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # its masks would differ
    mine = convert(copy.deepcopy(plain), 4)
    x, labels = torch.randn(8, 3, 32, 32, dtype=torch.float64), torch.tensor([0, 1, 2, 3] * 2)
    output = mine(x)
    nn.functional.cross_entropy(output, labels, reduction="sum").backward()
    parts = [plain(part) for part in x.split(4)]
    for part in parts:
        nn.functional.cross_entropy(part, labels[:4], reduction="sum").backward()

    near = {"rtol": 1e-9, "atol": 1e-9}
    assert_close(output, torch.cat(parts), **near)
    for a, b in zip(mine.parameters(), plain.parameters(), strict=True):
        scale = 1 + b.grad.abs().max()
        assert_close(a.grad / scale, b.grad / scale, **near)
    assert_close(mine.state_dict(), plain.state_dict(), **near)
    assert_close(mine.eval()(x[:1]), plain.eval()(x[:1]), **near)


def test_a_copy_of_the_folder_under_another_name(tmp_path, monkeypatch):
    shutil.copytree(Path(ghost.__file__).parent, tmp_path / "copied" / "inner")
    monkeypatch.syspath_prepend(tmp_path)
    copied = importlib.import_module("copied.inner")
    model, again = (copied.convert(small_network(), 4) for _ in range(2))
    assert {type(model[0][1]), type(model[3])} == {copied.GhostBatchNorm2d, copied.GhostBatchNorm1d}
    with pytest.warns(UserWarning, match=r"1 x GhostBatchNorm2d \(0\.1\): of another copy of this folder"):
        convert(model, 2)
    assert repr(model) == repr(again)
