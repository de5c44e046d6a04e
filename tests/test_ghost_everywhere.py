"""Ghost batch norm where torch's batch norm works: each time against plain batch norm, ghost after ghost."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.optim.swa_utils import AveragedModel, update_bn
from torch.testing import assert_close
from torch.utils.checkpoint import checkpoint

from gengap.ghost import GhostBatchNorm1d, GhostBatchNorm2d, GhostBatchNorm3d, convert
from tests.ghosts import EXACT, MODES, Ghosts, compiled, network, pair, samples, updated


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
