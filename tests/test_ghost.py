"""Ghost batch norm against a loop of torch's own batch norm over the ghosts, in float64 to 1e-12."""

import copy
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from gengap.ghost import GhostBatchNorm1d, GhostBatchNorm2d, large

PLAIN = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d)  # by the number of spatial axes
GHOST = (GhostBatchNorm1d, GhostBatchNorm1d, GhostBatchNorm2d)
EXACT = {"rtol": 1e-12, "atol": 1e-12}
EXACTLY = {"rtol": 0, "atol": 0}


@pytest.fixture(scope="module", autouse=True, params=[large.LARGE, 1], ids=["at once", "one by one"])
def _each_way(request):
    """Normalize ghosts at once, or one after another as those of a large batch on a CPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large, "LARGE", request.param)
        yield


class Case(NamedTuple):
    spatial: list[int] | tuple[int, ...]
    ghosts: int = 3
    size: int = 4
    channels: int = 3
    mean: float = 0.0
    layout: torch.memory_format = torch.contiguous_format

    def samples(self):
        """(ghosts * size, channels, *spatial); each ghost and channel has its own mean and std (1 to 3)."""
        z = torch.randn(self.ghosts, self.size, self.channels, *self.spatial, dtype=torch.float64)
        axes = [axis for axis in range(z.dim()) if axis not in (0, 2)]
        z = (z - z.mean(axes, keepdim=True)) / z.std(axes, keepdim=True, correction=0)
        mean, std = (torch.rand_like(z.mean(axes, keepdim=True)) for _ in range(2))
        x = (self.mean + 4 * mean + (1 + 2 * std) * z).flatten(0, 1)
        return x.contiguous(memory_format=self.layout) if x.dim() == 4 else x

    def twins(self, dtype=torch.float64, **options):
        """Ghost batch norm, and batch norm in float64, with the same random state; also seeds torch."""
        torch.manual_seed(0)
        axes = len(self.spatial)
        ghost = GHOST[axes](self.channels, self.size, **options)
        for value in ghost.state_dict().values():
            value.copy_(torch.rand(value.shape) + 0.5 if value.is_floating_point() else torch.tensor(3))
        plain = PLAIN[axes](self.channels, **options)
        plain.load_state_dict(ghost.state_dict())
        return ghost.to(dtype), plain.double()


AXES = pytest.mark.parametrize("spatial", [(), (5,), (5, 2)])
CASES = st.builds(
    Case,
    spatial=st.lists(st.integers(1, 4), max_size=2),
    ghosts=st.integers(1, 5),
    size=st.integers(2, 9),
    channels=st.integers(1, 5),
    mean=st.sampled_from([0.0, 30.0]),
    layout=st.sampled_from([torch.contiguous_format, torch.channels_last]),
)


def compare(ghost, plain, x, view=lambda x: x, autocast=False, **tolerances):
    """One update of both, the reference in float64; parameters' gradients add up over several calls."""
    mine, reference = x.clone().requires_grad_(), x.double().clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        y = ghost(view(mine))
    expected = torch.cat([plain(part) for part in view(reference).split(ghost.ghost_size)])
    upstream = torch.randn_like(y)
    y.backward(upstream)
    expected.backward(upstream.double())

    assert y.dtype == mine.grad.dtype == x.dtype
    for layout in (torch.contiguous_format, torch.channels_last):
        assert y.is_contiguous(memory_format=layout) or not view(mine).is_contiguous(memory_format=layout)
    pairs = [("output", y, expected), ("input gradient", mine.grad, reference.grad)]
    for (name, a), b in zip(ghost.named_parameters(), plain.parameters(), strict=True):
        pairs.append((f"{name} gradient", a.grad, b.grad))
    for (name, a), b in zip(ghost.named_buffers(), plain.buffers(), strict=True):
        pairs.append((name, a, b))
    for name, a, b in pairs:
        tolerance = tolerances.get(name.replace(" ", "_"), EXACT)
        assert_close(a, b, check_dtype=False, msg=lambda text, name=name: f"{name}: {text}", **tolerance)


@settings(max_examples=60)
@given(case=CASES, momentum=st.sampled_from([0.1, 0.5, None]))
def test_equals_loop_over_ghosts(case, momentum):
    ghost, plain = case.twins(momentum=momentum)
    for _ in range(3):
        compare(ghost, plain, case.samples())


@settings(max_examples=40)
@given(case=CASES, momentum=st.sampled_from([0.1, None]), affine=st.booleans(), track=st.booleans())
def test_what_a_compiler_traces_equals_loop_over_ghosts(case, momentum, affine, track):
    ghost, plain = case.twins(momentum=momentum, affine=affine, track_running_stats=track)
    ghost._forward_folded = ghost._forward_traced
    for _ in range(2):
        compare(ghost, plain, case.samples())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("autocast", [False, True])
@settings(max_examples=25)
@given(case=CASES, affine=st.booleans())
def test_low_precision(dtype, autocast, case, affine):
    """Sums and running statistics are float32's, whatever the input; torch rounds the rest to its dtype."""
    ghost, plain = case.twins(torch.float32, affine=affine)
    for _ in range(2):
        x = case.samples().to(dtype)
        # A few float32 roundings of x, each at most max|x| 2^-24, times 1 / std, which is 1 or less.
        rounding = 8 * 2**-24 * float(1 + x.abs().max())
        # bfloat16: one rounding of the output, to 2^-9; several of the gradient's terms, of up to 4 or so.
        low = dtype == torch.bfloat16
        sums = rounding * x.numel() / case.channels
        # On the CPU torch rounds the sum of a transposed bfloat16 gradient, such as that of a lone channel.
        transposed = low and case.channels == 1
        compare(
            ghost,
            plain,
            x,
            autocast=autocast,
            output={"rtol": low * 2**-8, "atol": rounding},
            input_gradient={"rtol": low * 2**-8, "atol": rounding + low * 2**-5},
            weight_gradient={"rtol": 0, "atol": sums},
            bias_gradient={"rtol": transposed * 2**-6, "atol": sums + transposed * 2**-4},
            running_mean={"rtol": 16 * 2**-24, "atol": 16 * 2**-24},
            running_var={"rtol": 16 * 2**-24, "atol": 16 * 2**-24},
        )
        assert {value.dtype for value in ghost.state_dict().values()} == {torch.float32, torch.int64}


NO_PARAMETERS, NO_STATISTICS = {"affine": False}, {"track_running_stats": False}
MOMENTA = [{"momentum": None}, {"momentum": 0.0}, {"momentum": 1.0}, {"momentum": 0.3, "eps": 0.5}]


@AXES
@pytest.mark.parametrize(
    "options", [NO_PARAMETERS, NO_STATISTICS, NO_PARAMETERS | NO_STATISTICS, *MOMENTA], ids=str
)
def test_options(options, spatial):
    ghost, plain = Case(spatial).twins(**options)
    for ghosts in (3, 1, 2):
        x = Case(spatial, ghosts).samples()
        compare(ghost, plain, x)
    plain.load_state_dict(ghost.state_dict())
    assert torch.equal(ghost.eval()(x), plain.eval()(x))


def test_attributes_set_later():
    ghost, plain = Case(()).twins()
    for layer in (ghost, plain):
        layer.track_running_stats = False  # a common way to freeze the statistics
        layer.bias = None
    before = copy.deepcopy(ghost.state_dict())
    compare(ghost, plain, Case(()).samples())
    assert_close(ghost.state_dict(), before, **EXACTLY)


VIEWS = {
    "every second sample": ((24, 3), lambda x: x[::2]),
    "transposed": ((3, 12), lambda x: x.t()),
    "channels expanded": ((12, 1), lambda x: x.expand(-1, 3)),
    "length before channels": ((12, 4, 3), lambda x: x.transpose(1, 2)),
    "sliced": ((12, 6, 4, 4), lambda x: x[:, 1::2, :, 1:]),
    "permuted to channels_last": ((12, 4, 5, 3), lambda x: x.permute(0, 3, 1, 2)),
    "pixels expanded": ((12, 3, 1, 1), lambda x: x.expand(-1, -1, 4, 2)),
    "rows and columns swapped": ((12, 3, 5, 4), lambda x: x.transpose(2, 3)),
    "samples expanded": ((3, 3, 4), lambda x: x.expand(4, 3, 3, 4)),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views(name):
    shape, view = VIEWS[name]
    leaf = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ghost, plain = Case([1] * (view(leaf).dim() - 2), size=2).twins()
    compare(ghost, plain, leaf, view)


def test_sequential_moving_average():
    n, eta = 5, 0.3
    ghost, _ = Case((), n).twins(momentum=eta)
    before, x = copy.deepcopy(ghost), Case((), n).samples()
    ghost(x)
    weights = [eta * (1 - eta) ** (n - nth) for nth in range(1, n + 1)]
    mean = sum(weight * part.mean(0) for weight, part in zip(weights, x.split(4), strict=True))
    var = sum(weight * part.var(0, correction=1) for weight, part in zip(weights, x.split(4), strict=True))
    assert_close(ghost.running_mean, (1 - eta) ** n * before.running_mean + mean, **EXACT)
    assert_close(ghost.running_var, (1 - eta) ** n * before.running_var + var, **EXACT)
    assert ghost.num_batches_tracked == before.num_batches_tracked + n


@AXES
@pytest.mark.parametrize("batch", [5, 8])
def test_one_ghost_is_batch_norm_bit_for_bit(spatial, batch):
    ghost, plain = Case(spatial, size=8, channels=64).twins(torch.float32)
    layers = (ghost, plain.float())
    for _ in range(3):
        x = torch.randn(batch, 64, *spatial)
        inputs = [x.clone().requires_grad_() for _ in layers]
        outputs = [layer(value) for layer, value in zip(layers, inputs, strict=True)]
        for output in outputs:
            output.square().sum().backward()
        assert torch.equal(*outputs)
        assert torch.equal(*(value.grad for value in inputs))
        assert torch.equal(*(layer.weight.grad for layer in layers))
        assert_close(*(layer.state_dict() for layer in layers), **EXACTLY)


def test_unsplittable_batch():
    ghost, plain = Case(()).twins()
    x, before = Case((), 1, 10).samples(), copy.deepcopy(ghost.state_dict())
    with pytest.raises(ValueError, match=r"batch of 10 .* multiple of ghost_size"):
        ghost(x)
    assert torch.equal(ghost.eval()(x), plain.eval()(x))  # in evaluation any batch will do
    assert_close(ghost.state_dict(), before, **EXACTLY)


@pytest.mark.parametrize("kind", [GhostBatchNorm1d, GhostBatchNorm2d])
def test_wrong_arguments(kind):
    for size in (0, -4):
        with pytest.raises(ValueError, match="ghost_size must be at least 1"):
            kind(3, size)
    wrong = torch.zeros(8, 3, 2, 2, 2)
    with pytest.raises(ValueError, match="expected .* input") as plain:
        (nn.BatchNorm1d if kind is GhostBatchNorm1d else nn.BatchNorm2d)(3)(wrong)
    with pytest.raises(ValueError, match="expected .* input") as ghost:
        kind(3, 4)(wrong)
    assert str(ghost.value) == str(plain.value)
    for track in (True, False):
        layer = kind(3, 1, track_running_stats=track)
        with pytest.raises(ValueError, match="more than 1 value per channel .* ghost_size=1 leaves 1"):
            layer(torch.zeros(4, 3) if kind is GhostBatchNorm1d else torch.zeros(4, 3, 1, 1))
        with pytest.raises(ValueError, match=r"expected 3 channels, got 6: an input of shape \[4, 6"):
            layer(torch.zeros(4, 6) if kind is GhostBatchNorm1d else torch.zeros(4, 6, 2, 2))


def test_only_which_ghost_a_sample_is_in_matters():
    case = Case((2, 2))
    layers, x = [case.twins()[0] for _ in range(3)], case.samples()
    within = torch.cat([part[torch.randperm(4)] for part in x.split(4)])
    across = x.unflatten(0, (3, 4)).transpose(0, 1).flatten(0, 1)  # a sample of each ghost in turn
    for layer, batch in zip(layers, (x, within, across), strict=True):
        layer(batch)
    for name in ("running_mean", "running_var"):
        original, same, other = (getattr(layer, name) for layer in layers)
        assert_close(same, original, **EXACT)
        assert (other - original).abs().min() > 1e-4


@pytest.mark.parametrize("spatial", [(), (2,), (2, 1)])
def test_double_backward(spatial):
    case = Case(spatial, ghosts=2, size=3, channels=2)
    ghost, _ = case.twins()
    inputs = [value.clone().requires_grad_() for value in (case.samples(), ghost.weight, ghost.bias)]

    def call(x, weight, bias):
        return torch.func.functional_call(ghost, {"weight": weight, "bias": bias}, (x,))

    assert torch.autograd.gradcheck(call, inputs)
    assert torch.autograd.gradgradcheck(call, inputs)


@AXES
def test_state_dict_is_batch_norms(spatial):
    ghost, plain = Case(spatial).twins()
    assert list(ghost.state_dict()) == list(plain.state_dict())
    for layer, source in ((GHOST[len(spatial)](3, 4), plain), (PLAIN[len(spatial)](3), ghost)):
        layer.double().load_state_dict(source.state_dict())
        assert_close(layer.state_dict(), source.state_dict(), **EXACTLY)
        assert layer.state_dict()._metadata == source.state_dict()._metadata
