import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gengap.ghost import convert
from gengap.models import build
from gengap.training.memory import _saved, update_bytes


@pytest.mark.parametrize("samples", [2, 5, 4096])
def test_closed_form_of_two_layers(samples: int) -> None:
    """The first layer saves its input (12 numbers), the second one the ReLU's output (20)."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 3))
    weights = 12 * 20 + 20 + 20 * 3 + 3
    expected = 4 * (samples * (12 + 20) + samples * 20 + 4 * weights)
    assert update_bytes(model, (3, 2, 2), samples, bf16=False) == expected


@settings(max_examples=8, deadline=None)
@given(name=st.sampled_from(["c1", "resnet44"]), samples=st.integers(5, 24), bf16=st.booleans())
def test_the_line_passes_through_every_batch(name: str, samples: int, bf16: bool) -> None:
    """What a batch really saves is what the two small ones said, within 2 %."""
    model = build(name, 10).to(memory_format=torch.channels_last)
    found = _saved(model, (3, 32, 32), samples, bf16)
    weights = 4 * sum(4 * p.numel() for p in model.parameters())
    assert update_bytes(model, (3, 32, 32), samples, bf16) - weights == pytest.approx(
        sum(found) + max(found), rel=0.02
    )


def test_nothing_is_changed() -> None:
    model = convert(build("c1", 10), 8)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    random = torch.random.get_rng_state()
    update_bytes(model, (3, 32, 32), 64, bf16=False)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)


def test_bf16_saves_less() -> None:
    model = build("resnet44", 10).to(memory_format=torch.channels_last)
    full, half = (update_bytes(model, (3, 32, 32), 512, bf16=b) for b in (False, True))
    assert 0.4 < half / full < 0.7
