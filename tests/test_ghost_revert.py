"""revert() gives ordinary batch norm back, for tools that know only torch's own types."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.ao.quantization import fuse_modules
from torch.fx.experimental.optimization import fuse
from torch.testing import assert_close

from gengap.ghost import GhostBatchNorm2d, convert, revert
from tests.ghosts import EXACT, network, samples, updated

EXACTLY = {"rtol": 0, "atol": 0}


def trained():
    model = convert(network(), 4, partial="chunks")
    model(samples(10))
    return model


def test_it_is_the_inverse_of_convert():
    model, plain = trained(), network()
    layers, parameters, before = list(model.modules()), list(model.parameters()), copy.deepcopy(model)
    assert revert(model) is model
    assert [id(module) for module in model.modules()] == [id(module) for module in layers]
    assert [id(p) for p in model.parameters()] == [id(p) for p in parameters]  # optimizers hold these
    for module, original in zip(model.modules(), plain.modules(), strict=True):
        assert type(module) is type(original)
        assert vars(module).keys() == vars(original).keys()
    assert_close(model.state_dict(), before.state_dict(), **EXACTLY)
    plain.load_state_dict(model.state_dict())
    for copied in (model, pickle.loads(pickle.dumps(model))):
        plain.load_state_dict(copied.state_dict())
        assert_close(updated(copied, samples()), updated(plain, samples()), **EXACTLY)
    assert_close(convert(model, 4)(samples()), before.eval().train()(samples()), **EXACTLY)


def test_bare_and_plain_layers():
    layer, plain = GhostBatchNorm2d(3, 4), nn.BatchNorm2d(3)
    assert revert(layer) is layer
    assert (type(layer), repr(layer)) == (nn.BatchNorm2d, repr(plain))
    assert type(revert(revert(plain))) is nn.BatchNorm2d


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("tool", ["torch.ao", "torch.fx"])
def test_convolutions_can_be_fused(tool):
    model = trained().eval()
    expected = model(samples())
    revert(model)
    fused = (
        fuse(model) if tool == "torch.fx" else fuse_modules(model, [["0.0", "0.1", "0.2"], ["2.0", "2.1"]])
    )
    assert not any(isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d) for module in fused.modules())
    assert_close(fused(samples()), expected, **EXACT)


def test_synchronized_batch_norm_can_follow():
    model = nn.SyncBatchNorm.convert_sync_batchnorm(revert(trained()))
    assert_close(model.eval()(samples()), trained().eval()(samples()), **EXACT)
    assert torch.equal(model[0][1].running_mean, trained()[0][1].running_mean)
