"""Records and metrics damaged at random: one line for the run, no traceback, and no other run is lost."""

import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gengap.cli.report import main as report
from gengap.cli.status import main as status
from gengap.config.compose import from_record
from gengap.config.sweep import Job
from gengap.errors import UserError
from gengap.launch import execute
from gengap.launch.jobs import train_one
from gengap.launch.outcome import Outcome
from gengap.launch.place import ALONE
from gengap.launch.stop import Stop
from gengap.runs import read_store
from gengap.runs.record import METRICS, RECORD
from gengap.runs.store import Run
from gengap.training.loop import Trained
from gengap.training.trained import load_trained

pytestmark = pytest.mark.slow

COMMITTED = Path(__file__).resolve().parents[2] / "results" / "runs"
NAME = "digits_f1-lb_gbn-0a472355"
SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
DEEP = "[" * 10**5 + "]" * 10**5
ENDS = (Outcome.SKIPPED, Outcome.STOPPED, Outcome.FAILED)
MARK = "\ue000"  # stands for DEEP, which json.dumps can't write

REPLACEMENTS = st.one_of(
    st.sampled_from([None, True, False, {}, [], [[]], {"": None}, "", "1", "\n|`<script>", MARK, "running"]),
    st.sampled_from(
        [-1, 0, 1, 0.5, -0.0, 1e-300, 1e99, 1e300, float("nan"), float("inf"), 2**53, 2**64, 10**400]
    ),
    st.text(max_size=5),
    st.integers(),
    st.floats(),
    st.lists(st.floats(), max_size=3),
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree, as the object or list and the key or index in it."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


@st.composite
def mutated(draw: st.DrawFn, text: str) -> bytes:
    """A JSON text of which a key at any depth is dropped, replaced or added, or which is damaged as bytes."""
    tree = json.loads(text)
    where = list(places(tree))
    for _ in range(draw(st.integers(1, 2))):
        parent, key = draw(st.sampled_from(where))
        if draw(st.booleans()):
            parent[key] = draw(REPLACEMENTS)
        elif isinstance(parent, dict):
            parent.pop(key, None)
            if draw(st.booleans()):
                parent[draw(st.text(max_size=3))] = draw(REPLACEMENTS)
    data = json.dumps(tree).replace(json.dumps(MARK), DEEP).encode()
    if draw(st.integers(0, 9)) == 0:
        place = draw(st.integers(0, len(data)))
        data = data[:place] + draw(st.binary(max_size=3)) + data[place + draw(st.integers(0, 3)) :]
    return data


@st.composite
def damage(draw: st.DrawFn, record: bytes, metrics: bytes) -> dict[str, bytes]:
    """Both files of a run, one of them damaged."""
    if draw(st.booleans()):
        return {RECORD: draw(mutated(record.decode())), METRICS: metrics}
    rows = metrics.splitlines(keepends=True)
    number = draw(st.integers(0, len(rows) - 1))
    changed = [draw(mutated(rows[number].decode())) + b"\n", b"", rows[number] * 2, rows[number][:-5]]
    rows[number] = draw(st.sampled_from(changed))
    return {RECORD: record, METRICS: b"".join(rows)}


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """The folder of the run that is damaged; seed1 beside it stays whole."""
    for seed in (0, 1):
        shutil.copytree(COMMITTED / NAME / f"seed{seed}", tmp_path / "runs" / NAME / f"seed{seed}")
    (tmp_path / "report").mkdir()
    return tmp_path / "runs" / NAME / "seed0"


def files(directory: Path) -> tuple[bytes, bytes]:
    committed = COMMITTED / NAME / directory.name
    return (committed / RECORD).read_bytes(), (committed / METRICS).read_bytes()


def put(directory: Path, contents: dict[str, bytes]) -> None:
    for name, data in contents.items():
        (directory / name).write_bytes(data)


@SETTINGS
@given(data=st.data())
def test_report_and_status_name_the_damaged_run_and_show_the_other(
    data: st.DataObject, damaged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(damaged, data.draw(damage(*files(damaged))))
    results_dir = damaged.parents[2]
    store = read_store(results_dir)
    assert 1 in set(store.runs["seed"])
    assert len(store.runs) + len(store.unreadable) == 2
    capsys.readouterr()
    assert status([f"results_dir={results_dir}"]) == 0
    assert len(capsys.readouterr().err.splitlines()) == len(store.unreadable)
    assert report([f"results_dir={results_dir}", "--check"]) == 1  # there is no report
    assert len([line for line in capsys.readouterr().err.splitlines() if "left out" in line]) == len(
        store.unreadable
    )


@SETTINGS
@given(data=st.data())
def test_train_and_load_end_in_one_line(
    data: st.DataObject, damaged: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record, metrics = files(damaged)
    config = from_record(json.loads(record)["config"])
    config.results_dir = str(damaged.parents[2])
    monkeypatch.setattr(execute, "train", lambda *_: Outcome.STOPPED)
    put(damaged, data.draw(damage(record, metrics)))
    caplog.clear()
    outcome = train_one(Job((), config), Stop(None), ALONE)
    assert outcome in ENDS
    assert len([r for r in caplog.records if r.levelno >= logging.ERROR]) == (outcome == Outcome.FAILED)
    with pytest.raises(UserError):  # its weights are not committed
        load_trained(damaged)


@settings(SETTINGS, max_examples=25)
@given(data=st.data())
def test_an_unfinished_run_with_a_damaged_record_continues_or_ends_in_one_line(
    data: st.DataObject, digits: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = digits("sb", "runtime.threads=1", "runtime.time_budget=1e-9")
    directory = tmp_path / "runs" / Job((), config).name / "seed0"
    shutil.rmtree(directory, ignore_errors=True)
    with monkeypatch.context() as patch:
        patch.setattr(execute, "fit", lambda *_: Trained(0, "test"))
        assert execute.execute(config) == Outcome.STOPPED
        (directory / RECORD).write_bytes(data.draw(mutated((directory / RECORD).read_text())))
        assert train_one(Job((), config), Stop(None), ALONE) in ENDS


def test_what_is_written_is_strict_json(tmp_path: Path) -> None:
    with Run(tmp_path / "name" / "seed0") as run:
        for value in (float("nan"), float("inf"), [-float("inf")]):
            with pytest.raises(ValueError, match="not JSON compliant"):
                run.append_metrics({"update": value})
            with pytest.raises(ValueError, match="not JSON compliant"):
                run.update_record(seed=value)
    assert not (run.directory / RECORD).exists()
