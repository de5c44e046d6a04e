"""The choice of the engine, and that compiling keeps dropout masks and bit-equal resume."""

import pytest
import torch
from torch import nn

from gengap.data.load import load
from gengap.data.splits import split
from gengap.errors import UserError
from gengap.regime import build_regime
from gengap.runs import read_record
from gengap.training import engine as engine_module
from gengap.training.build import build_trainer
from gengap.training.engine import WORTH_COMPILING, engine
from tests.launch.test_resume import train_whole_and_in_pieces
from tests.networks import convolutional

pytestmark = pytest.mark.slow

CPU, GPU = torch.device("cpu"), torch.device("cuda")
DENSE = nn.Linear(4, 2)


def chosen(config, model=DENSE, device=CPU, samples=1437):
    return str(engine(config, model, build_regime(config, samples), device))


def test_cpu_compiles_long_dense_runs_with_ghosts(digits, monkeypatch):
    long = "workload.epochs=10000"
    assert build_regime(digits("lb_gbn", long), 1437).updates > WORTH_COMPILING
    assert chosen(digits("lb_gbn", long)) == "compiled"
    assert chosen(digits("lb_gbn")) == "plain"  # too short for compiling to pay off
    assert chosen(digits("lb", long)) == "plain"
    assert chosen(digits("sb", "method.ghost_size=64", long)) == "plain"  # a single ghost
    assert chosen(digits("lb_gbn", long), convolutional(10, 64, 64)) == "plain"
    monkeypatch.setattr(engine_module, "_cpp_compiler", lambda: False)
    assert chosen(digits("lb_gbn", long)) == "plain"
    with pytest.raises(UserError, match="needs a C\\+\\+ compiler"):
        chosen(digits("lb_gbn", "runtime.compile=true"))


def test_gpu_uses_graphs_and_compiles_long_runs(digits):
    assert chosen(digits("lb"), device=GPU) == "graph"
    assert chosen(digits("lb", "workload.epochs=10000"), device=GPU) == "compiled, graph"


def test_settings_override_the_automatic_choice(digits):
    plain = ("runtime.compile=false", "runtime.graph=false")
    for device in (CPU, GPU):
        assert chosen(digits("lb", "workload.epochs=10000", *plain), device=device) == "plain"
    assert chosen(digits("lb", "runtime.compile=true")) == "compiled"
    assert chosen(digits("lb", "runtime.compile=true"), device=GPU) == "compiled, graph"


def test_compiled_dropout_draws_the_same_masks(digits):
    ends = {}
    for compiled in (True, False):
        config = digits("lb", "model.name=tests.networks:with_dropout", f"runtime.compile={compiled}")
        source = load("digits", "unused")
        splits = split(source, config.data, 0)
        trainer = build_trainer(config, source, splits, build_regime(config, len(splits.train)), CPU)
        for update in range(3):
            trainer.train_step(update)
        ends[compiled] = trainer.flat.weights
    torch.testing.assert_close(ends[True], ends[False], rtol=1e-4, atol=1e-6)


def test_compiled_run_resumes_bit_equal_and_records_its_engine(digits, tmp_path):
    train_whole_and_in_pieces(digits, tmp_path, "runtime.compile=true")
    (directory,) = tmp_path.glob("whole/runs/*/seed0")
    assert read_record(directory)["engine"] == "compiled"
