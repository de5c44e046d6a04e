"""Ghost batch norm where torch's batch norm works: each time against plain batch norm, ghost after ghost."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.optim.swa_utils import AveragedModel, update_bn
from torch.testing import assert_close
from torch.utils.checkpoint import checkpoint

from gengap.ghost import GhostBatchNorm1d, GhostBatchNorm2d, GhostBatchNorm3d, convert

EXACT = {"rtol": 1e-11, "atol": 1e-11}
MODES = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])


def network():
    torch.manual_seed(0)
    first = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    second = nn.Sequential(nn.Conv3d(1, 2, (1, 2, 2)), nn.BatchNorm3d(2), nn.Flatten())
    return nn.Sequential(
        first,
        nn.Unflatten(1, (1, 4)),
        second,
        nn.Linear(8, 5),
        nn.BatchNorm1d(5, momentum=0.2),
        nn.Softplus(),
    ).double()


def samples(batch=12):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, 3, 4, 4, dtype=torch.float64, generator=generator)


class Ghosts(nn.Module):
    """What is expected: a network with plain batch norm that sees one ghost after another in training."""

    def __init__(self, network, size=4):
        super().__init__()
        self.network, self.size = network, size

    def forward(self, x):
        return torch.cat([self.network(part) for part in x.split(self.size if self.training else len(x))])


def pair(training):
    """A network in ghosts of 4, and what is expected of it."""
    plain = network().train(training)
    return convert(copy.deepcopy(plain), 4), Ghosts(plain).train(training)


def updated(model, x, buffers=None):
    """Outputs and gradients of a loss, and the buffers afterwards (of another module, if given)."""
    y = model(x)
    parameters = list(model.parameters())
    gradients = torch.autograd.grad(y.square().sum(), parameters) if y.requires_grad else []
    return y.detach(), list(gradients), list((buffers or model).buffers())


def compiled(model, x=None):
    torch.compiler.reset()  # else the networks of other tests count towards a limit
    return torch.compile(model, fullgraph=True, backend="aot_eager")


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


class Checkpointed(nn.Module):
    """A network whose activations are computed again in the backward pass."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return checkpoint(self.network, x, use_reentrant=False)


def test_activation_checkpointing():
    ghost, expected = pair(True)
    assert_close(*(updated(Checkpointed(model), samples()) for model in (ghost, expected)), **EXACT)
    assert ghost[4].num_batches_tracked == 2 * 3  # as plain batch norm's, for the forward pass runs twice


@MODES
def test_functional_call_and_gradients(training):
    ghost, expected = pair(training)
    outcomes = []
    for model in (ghost, expected):
        state = dict(model.named_parameters()), {name: b.clone() for name, b in model.named_buffers()}

        def loss(parameters, buffers, model=model):
            return functional_call(model, (parameters, buffers), (samples(),)).square().sum(), buffers

        gradients, buffers = grad(loss, has_aux=True)(*state)
        outcomes.append((list(gradients.values()), list(buffers.values())))
    assert_close(*outcomes, **EXACT)


VMAPPED = [(GhostBatchNorm1d, ()), (GhostBatchNorm2d, (2, 3)), (GhostBatchNorm3d, (2, 3, 2))]


@MODES
@pytest.mark.parametrize(("kind", "spatial"), VMAPPED)
def test_vmap_over_batches(kind, spatial, training):
    layer = kind(3, 4, track_running_stats=not training, dtype=torch.float64).train(training)
    x = torch.randn(2, 8, 3, *spatial, dtype=torch.float64).movedim(2, -1).contiguous().movedim(-1, 2)
    assert_close(vmap(layer)(x), torch.stack([layer(batch) for batch in x]), **EXACT)


@MODES
@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")  # addmv_, for which vmap loops
def test_vmap_over_an_ensemble(training):
    models, x = [convert(network().train(training), 4) for _ in range(3)], samples()
    for nth, model in enumerate(models):
        model[0][1].weight.data.fill_(1 + nth)
    parameters, buffers = stack_module_state(models)

    def call(parameters, buffers):
        return functional_call(models[0], (parameters, buffers), (x,))

    assert_close(vmap(call)(parameters, buffers), torch.stack([model(x) for model in models]), **EXACT)
    for name, stacked in buffers.items():
        assert_close(stacked, torch.stack([model.get_buffer(name) for model in models]), **EXACT)


def test_vmapped_gradients_of_single_samples():
    ghost, expected = pair(False)
    gradients = []
    for model in (ghost, expected):

        def loss(parameters, x, model=model):
            return functional_call(model, parameters, (x[None],)).square().sum()

        per_sample = vmap(grad(loss), in_dims=(None, 0))(dict(model.named_parameters()), samples())
        gradients.append(list(per_sample.values()))
    assert_close(*gradients, **EXACT)


def test_double_backward_of_a_gradient_penalty():
    ghost, expected = pair(True)
    penalties = []
    for model in (ghost, expected):
        x = samples().requires_grad_()
        (gradient,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
        parameters = [p for name, p in model.named_parameters() if not name.endswith("4.bias")]
        penalties.append(torch.autograd.grad(gradient.square().sum(), parameters))
    assert_close(*penalties, rtol=1e-9, atol=1e-9)


@MODES
def test_meta_device(training):
    model = convert(network().train(training), 4).to("meta")
    assert model(torch.empty(12, 3, 4, 4, device="meta", dtype=torch.float64)).shape == (12, 5)
    with torch.device("meta"):
        layer = GhostBatchNorm3d(3, 4)
    layer.to_empty(device="cpu").reset_parameters()
    assert_close(layer.state_dict(), nn.BatchNorm3d(3).state_dict(), rtol=0, atol=0)


def test_averaged_model_and_update_bn():
    ghost, expected = pair(True)
    loader = [samples(12) + shift for shift in (0, 1, 2)]
    averages = [AveragedModel(model) for model in (ghost, expected)]
    for average, model in zip(averages, (ghost, expected), strict=True):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1.5)
        average.update_parameters(model)
        update_bn(loader, average)
    assert_close(updated(averages[0], loader[0]), updated(averages[1], loader[0]), **EXACT)


@pytest.mark.parametrize("mode", ["eager", "compiled"])
@pytest.mark.parametrize("momentum", [0.1, None])
def test_nothing_tracked(mode, momentum):
    """Batches that aren't counted: torch then averages by momentum, or without one not at all."""
    ghost = nn.Sequential(GhostBatchNorm1d(6, 4, momentum=momentum))
    plain = nn.Sequential(nn.BatchNorm1d(6, momentum=momentum))
    for layer in (ghost[0], plain[0]):
        layer.num_batches_tracked = None
    model = compiled(ghost) if mode == "compiled" else ghost
    x = torch.randn(12, 6)
    assert_close(updated(model, x, ghost), updated(Ghosts(plain), x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "spatial"), [(GhostBatchNorm1d, ()), (GhostBatchNorm2d, (2, 2)), (GhostBatchNorm3d, (1, 2, 2))]
)
def test_bias_alone_can_be_left_out(kind, spatial):
    layer, plain = kind(3, 4, bias=False), kind.__bases__[1](3)
    plain.register_parameter("bias", None)
    x = torch.randn(8, 3, *spatial)
    assert_close(updated(layer, x), updated(Ghosts(plain), x), rtol=1e-4, atol=1e-5)
    assert list(layer.state_dict()) == list(plain.state_dict())


def train_in_process(rank, file, results):
    torch.set_num_threads(1)
    store = torch.distributed.FileStore(str(file), 2)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    model = nn.parallel.DistributedDataParallel(convert(network(), 4), broadcast_buffers=False)
    outcome = updated_by_backward(model, samples(16)[8 * rank : 8 * rank + 8])
    torch.save(outcome, results / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def updated_by_backward(model, x):
    model(x).square().sum().backward()
    return [p.grad for p in model.parameters()], list(model.buffers())


@pytest.mark.slow
def test_distributed_data_parallel(tmp_path):
    """The mean gradient of both processes, and each one's own running statistics."""
    torch.multiprocessing.spawn(train_in_process, (tmp_path / "store", tmp_path), nprocs=2)
    found = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    expected = [updated_by_backward(Ghosts(network()), part) for part in samples(16).split(8)]
    means = [(a + b) / 2 for a, b in zip(expected[0][0], expected[1][0], strict=True)]
    for rank in range(2):
        assert_close(found[rank], (means, expected[rank][1]), **EXACT)
