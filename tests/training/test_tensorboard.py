"""The mirror of metrics.jsonl for TensorBoard."""

import sys
from collections import Counter

import pytest

from gengap.config.identity import run_directory
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.launch.stop import Stop
from gengap.runs import read_metrics, read_record
from gengap.training.tensorboard import FOLDER

SHORT = ("workload.epochs=4", "workload.milestones=[3]", "runtime.threads=1", "runtime.tensorboard=true")


def events(directory):
    """Every scalar in the event files: (name, update) to value. Fails where one is there twice."""
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    tensor_util = pytest.importorskip("tensorboard.util.tensor_util")
    found = []
    for file in (directory / FOLDER).iterdir():
        for event in loader.EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                found.append(((value.tag, event.step), float(tensor_util.make_ndarray(value.tensor))))
    assert max(Counter(key for key, _ in found).values()) == 1
    return dict(found)


def scalars(directory):
    """The same of metrics.jsonl."""
    rows = read_metrics(directory).drop(columns=["seconds", "tensor_distances"]).set_index("update")
    return rows.stack().dropna().swaplevel().to_dict()


def test_every_scalar_of_the_metrics_is_mirrored_once_after_a_resume(digits):
    pytest.importorskip("tensorboard")
    config = digits("lb_gbn", *SHORT)
    stop = Stop(None)
    reasons = iter([None] * 4 + ["enough"])
    stop.reason = lambda: next(reasons)
    assert execute(config, stop) == Outcome.STOPPED
    directory = run_directory(config)
    assert events(directory) == pytest.approx(scalars(directory), rel=1e-6)
    with (directory / "metrics.jsonl").open("a") as file:  # a line past the checkpoint, as a kill leaves it
        file.write('{"update": 5, "distance": 7, "seconds": 1}\n')
    assert execute(config) == Outcome.FINISHED
    mirrored = events(directory)
    assert mirrored == pytest.approx(scalars(directory), rel=1e-6)
    assert {("val_error", 11), ("lr", 1), ("distance", 11)} <= set(mirrored)
    assert "tensorboard" not in read_record(directory)["config"]["runtime"]


def test_without_the_package_one_line_says_what_to_install(digits, monkeypatch, caplog, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert execute(digits("lb_gbn", *SHORT)) == Outcome.REFUSED
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert "pip install tensorboard" in line
    assert "\n" not in line
    assert list(tmp_path.iterdir()) == []
