"""convert() keeps all that a network has, and the result equals the network run one ghost after another."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from gengap.ghost import GhostBatchNorm1d, GhostBatchNorm2d, convert

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


def test_convert_a_bare_layer_and_no_other_kind():
    bare = nn.BatchNorm1d(3)
    assert convert(bare, 4) is bare
    assert type(bare) is GhostBatchNorm1d

    own = type("Own", (nn.BatchNorm2d,), {})
    others = [nn.BatchNorm3d, nn.SyncBatchNorm, nn.InstanceNorm2d, nn.LayerNorm, own]
    model = nn.ModuleList([nn.LazyBatchNorm1d(), *(kind(3) for kind in others)])
    convert(model, 4)
    assert [type(module) for module in model] == [nn.LazyBatchNorm1d, *others]
    assert not any(hasattr(module, "ghost_size") for module in model)


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
    ghost = convert(copy.deepcopy(plain), 4)
    x, labels = torch.randn(8, 3, 32, 32, dtype=torch.float64), torch.tensor([0, 1, 2, 3] * 2)
    output = ghost(x)
    nn.functional.cross_entropy(output, labels, reduction="sum").backward()
    parts = [plain(part) for part in x.split(4)]
    for part in parts:
        nn.functional.cross_entropy(part, labels[:4], reduction="sum").backward()

    near = {"rtol": 1e-9, "atol": 1e-9}
    assert_close(output, torch.cat(parts), **near)
    for a, b in zip(ghost.parameters(), plain.parameters(), strict=True):
        scale = 1 + b.grad.abs().max()
        assert_close(a.grad / scale, b.grad / scale, **near)
    assert_close(ghost.state_dict(), plain.state_dict(), **near)
    assert_close(ghost.eval()(x[:1]), plain.eval()(x[:1]), **near)
