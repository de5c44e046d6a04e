"""Ghost batch norm compiled, traced, scripted, exported, copied and cast, against plain batch norm."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from gengap.ghost import GhostBatchNorm1d
from tests.ghosts import EXACT, MODES, Ghosts, compiled, pair, samples, updated


def symbolic(model, x):
    return torch.fx.symbolic_trace(model)


def extracted(model, x):
    extraction = pytest.importorskip("torchvision.models.feature_extraction", exc_type=ImportError)
    return nn.Sequential(extraction.create_feature_extractor(model, {"5": "y"}), Item("y"))


def scripted(model, x):
    return torch.jit.script(model)


def traced(model, x):
    return torch.jit.trace(model, x, check_trace=False)


def exported(model, x):
    return torch.export.export(model, (x,), strict=False).module()


def onnx(model, x):
    pytest.importorskip("onnxscript")
    reference = pytest.importorskip("onnx.reference")
    program = torch.onnx.export(model, (x,), dynamo=True, verbose=False)
    session = reference.ReferenceEvaluator(program.model_proto)
    return lambda x: torch.from_numpy(session.run(None, {session.input_names[0]: x.numpy()})[0])


def copied(model, x):
    return copy.deepcopy(model)


def pickled(model, x):
    return pickle.loads(pickle.dumps(model))


class Item(nn.Module):
    """An entry of a dictionary."""

    def __init__(self, key):
        super().__init__()
        self.key = key

    def forward(self, values):
        return values[self.key]


@MODES
@pytest.mark.parametrize(
    "transform", [compiled, symbolic, extracted, scripted, traced, exported, copied, pickled]
)
@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning", "ignore::torch.jit.TracerWarning")
def test_transforms(transform, training):
    ghost, expected = pair(training)
    other, x = transform(ghost, samples()), samples()
    for mine, buffer in zip(other.buffers(), expected.buffers(), strict=True):
        mine.copy_(buffer)  # jit.trace has run the model
    for _ in range(2):
        assert_close(updated(other, x), updated(expected, x), **EXACT)


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
@pytest.mark.parametrize("transform", [symbolic, extracted, scripted])
def test_transformed_networks_change_mode(transform):
    ghost, expected = pair(False)
    other, x = transform(ghost, samples()), samples()
    for training in (True, False):
        other.train(training)
        assert_close(updated(other, x), updated(expected.train(training), x), **EXACT)


def test_onnx():
    ghost, expected = pair(False)
    assert_close(onnx(ghost, samples())(samples()), expected(samples()), rtol=1e-6, atol=1e-6)


def test_export_of_any_batch_in_evaluation():
    ghost, expected = pair(False)
    batch = torch.export.Dim("batch", min=2)
    other = torch.export.export(ghost, (samples(),), dynamic_shapes=({0: batch},)).module()
    assert_close(other(samples(7)), expected(samples(7)), **EXACT)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("mode", ["eager", "compiled"])
@pytest.mark.parametrize("momentum", [0.1, None])
def test_networks_cast_to_sixteen_bits(dtype, mode, momentum):
    torch.manual_seed(0)
    ghost = nn.Sequential(GhostBatchNorm1d(6, 4, momentum=momentum)).to(dtype)
    plain = nn.Sequential(nn.BatchNorm1d(6, momentum=momentum)).to(dtype)
    for layer in (ghost[0], plain[0]):
        layer.num_batches_tracked.fill_(70_000)  # beyond float16's largest number
    model = compiled(ghost) if mode == "compiled" else ghost
    rounding = torch.finfo(dtype).eps
    for _ in range(3):
        x = torch.randn(12, 6).to(dtype)
        mine, expected = updated(model, x, ghost), updated(Ghosts(plain), x)
        assert {value.dtype for value in mine[2]} == {dtype, torch.int64}
        assert_close(mine[0], expected[0], rtol=2 * rounding, atol=2 * rounding)
        # Sums of 12 terms, and averages that plain batch norm rounds after each of nine ghosts
        assert_close(mine[1], expected[1], rtol=12 * rounding, atol=12 * rounding)
        assert_close(mine[2], expected[2], rtol=12 * rounding, atol=12 * rounding)


@MODES
@pytest.mark.parametrize("strict", [False, True])
def test_export_of_any_number_of_ghosts(training, strict):
    ghost, expected = pair(training)
    batch = 4 * torch.export.Dim("ghosts", min=2)
    program = torch.export.export(ghost, (samples(),), dynamic_shapes=({0: batch},), strict=strict)
    other = program.module()
    for size in (8, 20, 12):
        assert_close(other(samples(size)), expected(samples(size)), **EXACT)
    for name, buffer in other.named_buffers():
        assert_close(buffer, expected.network.get_buffer(name), **EXACT)
