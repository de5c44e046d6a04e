"""Which engine runs an update, and that compiling changes neither dropout nor the promise of resuming."""

import pytest
import torch
from torch import nn

from gengap import engine as engine_module
from gengap.build import build_trainer
from gengap.data.load import load
from gengap.data.resident import split
from gengap.engine import WORTH_COMPILING, engine
from gengap.errors import UserError
from gengap.execute import execute
from gengap.regime import build_regime
from gengap.runs import read_record
from tests.networks import convolutional
from tests.test_resume import SHORT, assert_same, outcome

CPU, GPU = torch.device("cpu"), torch.device("cuda")
DENSE = nn.Linear(4, 2)


def chosen(config, model=DENSE, device=CPU, samples=1437):
    return engine(config, model, build_regime(config, samples), device)


def test_a_cpu_compiles_long_dense_runs_with_ghosts(digits, monkeypatch):
    long = "workload.epochs=10000"
    assert build_regime(digits("lb_gbn", long), 1437).updates > WORTH_COMPILING
    assert chosen(digits("lb_gbn", long)) == "compiled"
    assert chosen(digits("lb_gbn")) == "plain"  # it is over before compiling has paid
    assert chosen(digits("lb", long)) == "plain"
    assert chosen(digits("sb", "method.ghost_size=64")) == "plain"
    assert chosen(digits("lb_gbn", long), convolutional(10, 64, 64)) == "plain"
    monkeypatch.setattr(engine_module, "_cpp_compiler", lambda: False)
    assert chosen(digits("lb_gbn", long)) == "plain"
    with pytest.raises(UserError, match="needs a C\\+\\+ compiler"):
        chosen(digits("lb_gbn", "runtime.engine=compiled"))


def test_what_is_asked_for_is_taken_where_it_can_be(digits):
    assert chosen(digits("lb"), device=GPU) == "graph"
    for name in ("plain", "compiled"):
        assert chosen(digits("lb", f"runtime.engine={name}")) == name
        assert chosen(digits("lb", f"runtime.engine={name}"), device=GPU) == name
    with pytest.raises(UserError, match="runtime.engine=graph needs a GPU"):
        chosen(digits("lb", "runtime.engine=graph"))


def test_compiled_dropout_draws_what_plain_dropout_does(digits):
    ends = {}
    for name in ("plain", "compiled"):
        config = digits("lb", "model.name=tests.networks:dropped", f"runtime.engine={name}")
        source = load("digits", "unused")
        splits = split(source, config.data, 0)
        trainer = build_trainer(config, source, splits, build_regime(config, len(splits.train)), CPU)
        for update in range(3):
            trainer.update(update)
        ends[name] = trainer.flat.weights
    torch.testing.assert_close(ends["compiled"], ends["plain"], rtol=1e-4, atol=1e-6)


def test_a_compiled_run_resumes_bit_equal_and_its_record_says_so(digits, tmp_path):
    whole, pieces = (
        digits("lb_gbn", *SHORT, "runtime.engine=compiled", f"results_dir={tmp_path / name}")
        for name in ("whole", "pieces")
    )
    assert execute(whole) == "finished"
    pieces.runtime.time_budget = 1e-9
    for _ in range(2):
        assert execute(pieces) == "stopped"
    pieces.runtime.time_budget = None
    assert execute(pieces) == "finished"
    assert_same(outcome(tmp_path / "pieces"), outcome(tmp_path / "whole"))
    (directory,) = tmp_path.glob("whole/runs/*/seed0")
    assert read_record(directory)["engine"] == "compiled"
