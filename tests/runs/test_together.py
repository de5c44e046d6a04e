"""A finished run whose metrics or weights are another run's, or damaged, is noticed by every command."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gengap.api import load
from gengap.cli.report import main as report
from gengap.cli.status import main as status
from gengap.config.identity import run_directory
from gengap.config.sweep import Job
from gengap.errors import UnreadableError, UserError
from gengap.launch.execute import execute
from gengap.launch.jobs import train_all
from gengap.launch.outcome import Outcome
from gengap.runs.record import METRICS, RECORD, WEIGHTS, metric_rows, read_record, read_run
from gengap.runs.together import metrics_digest, summary_of
from gengap.runs.weights import kept_weights
from tests.conftest import composed

pytestmark = pytest.mark.slow

COMMITTED = Path(__file__).resolve().parents[2] / "results" / "runs"
SHORT = ("workload.epochs=2", "workload.milestones=[1]", "runtime.threads=1", "runtime.keep_weights=true")
NEW = ("weights_sha256", "metrics_sha256")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results directory with finished runs of two seeds and of another method, with their weights."""
    folder = tmp_path_factory.mktemp("finished")
    for words in (
        ["+experiment=digits_lb"],
        ["+experiment=digits_lb", "seed=1"],
        ["+experiment=digits_lb_lr"],
    ):
        assert execute(composed([*words, *SHORT], folder)) == Outcome.FINISHED
    return folder


@pytest.fixture
def place(finished: Path, tmp_path: Path) -> Path:
    """A copy of these for one test."""
    return shutil.copytree(finished, tmp_path / "results")


def run(place: Path, method: str = "lb", seed: int = 0) -> Path:
    return run_directory(composed([f"+experiment=digits_{method}", *SHORT, f"seed={seed}"], place))


def forget(directory: Path) -> None:
    """Make the record one of an older version, which said nothing of metrics and weights."""
    record = json.loads((directory / RECORD).read_text())
    (directory / RECORD).write_text(json.dumps({k: v for k, v in record.items() if k not in NEW}))


OTHERS = {"another seed": ("lb", 1), "another method": ("lb_lr", 0)}
others = pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)


@others
@pytest.mark.parametrize("version", ["new", "old"])
def test_metrics_of_another_run_are_named_with_what_to_remove(
    version: str,
    other: Any,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    directory = run(place)
    if version == "old":
        forget(directory)
    assert read_run(directory) is not None
    shutil.copy(run(place, *other) / METRICS, directory / METRICS)
    with pytest.raises(UnreadableError, match="or of another run: it ends with .*remove its folder") as error:
        read_run(directory)
    assert error.value.file == directory / METRICS
    config = composed(["+experiment=digits_lb", *SHORT], place)
    assert train_all([Job((), config)], (), 0.0) == 1
    assert str(directory / METRICS) in caplog.messages[-1]
    assert status([f"results_dir={place}"]) == 0
    assert str(directory / METRICS) in capsys.readouterr().err
    assert report([f"results_dir={place}", "--check"]) == 1
    assert METRICS in capsys.readouterr().err


def test_any_changed_digit_of_the_metrics_is_noticed(place: Path) -> None:
    directory = run(place)
    whole = (directory / METRICS).read_bytes()
    for index in [i for i, byte in enumerate(whole) if chr(byte).isdigit()][::37]:
        changed = b"%d" % ((whole[index] - 47) % 10)
        (directory / METRICS).write_bytes(whole[:index] + changed + whole[index + 1 :])
        with pytest.raises(UnreadableError):
            read_run(directory)
    (directory / METRICS).write_bytes(
        whole.replace(b"\n", b"\r\n") + b'{"cut off'
    )  # as a checkout may make it
    assert read_run(directory) is not None


def test_the_digest_is_that_of_whole_lines() -> None:
    assert metrics_digest(b"a\r\nb\r\nc") == metrics_digest(b"a\nb\n") != metrics_digest(b"a\n")


@pytest.mark.parametrize("directory", sorted(COMMITTED.glob("*/seed0")), ids=lambda path: path.parent.name)
def test_the_summary_of_every_committed_run_is_that_of_its_rows(directory: Path) -> None:
    record = read_record(directory)
    assert record is not None
    assert summary_of(metric_rows(directory)).items() <= record["summary"].items()


@others
def test_weights_of_another_run_are_refused_by_load_and_measured_by_nothing(
    other: Any, place: Path, monkeypatch: pytest.MonkeyPatch, command_line: Any
) -> None:
    directory = run(place)
    shutil.copy(run(place, *other) / WEIGHTS, directory / WEIGHTS)
    line = (
        f"{directory / WEIGHTS} is damaged, or of another run (its SHA-256 is not the one in run.json): "
        "restore it, or delete its folder and train the run again with runtime.keep_weights=true"
    )
    with pytest.raises(UserError) as error:
        load(directory)
    assert str(error.value) == line
    words = ["+experiment=digits_lb", *SHORT[:2], f"results_dir={place}", "samples=50", "iterations=1"]
    assert command_line(["landscape", "sharpness", *words]) == (1, f"gengap: {line}\n", "")
    assert not (place / "landscape").exists()


def test_any_flipped_bit_of_the_weights_is_noticed(place: Path) -> None:
    directory = run(place)
    record, whole = read_record(directory), (directory / WEIGHTS).read_bytes()
    assert record is not None
    assert kept_weights(directory, record) == record["weights_sha256"]
    for index in range(0, len(whole), len(whole) // 50):
        (directory / WEIGHTS).write_bytes(whole[:index] + bytes([whole[index] ^ 4]) + whole[index + 1 :])
        with pytest.raises(UnreadableError, match="is damaged, or of another run"):
            load(directory)
    for changed in (b"", whole[:-1], whole + b"\0", whole[: len(whole) // 2]):
        (directory / WEIGHTS).write_bytes(changed)
        with pytest.raises(UnreadableError, match="is damaged, or of another run"):
            load(directory)


def test_a_record_from_before_weights_were_recorded_is_loaded_as_before(place: Path) -> None:
    directory = run(place)
    forget(directory)
    load(directory)
    shutil.copy(run(place, seed=1) / WEIGHTS, directory / WEIGHTS)
    load(directory)
    (directory / WEIGHTS).write_bytes(b"damaged")
    with pytest.raises(UserError, match="can't be loaded into"):
        load(directory)


def test_a_measurement_of_weights_that_are_damaged_now_is_not_called_outdated(
    place: Path, command_line: Any
) -> None:
    words = ["+experiment=digits_lb", *SHORT[:2], f"results_dir={place}", "samples=50", "iterations=1"]
    assert command_line(["landscape", "sharpness", *words])[0] == 0
    directory = run(place)
    whole = (directory / WEIGHTS).read_bytes()
    (directory / WEIGHTS).write_bytes(whole[:-1] + b"\1")
    code, err, _ = command_line(["landscape", "sharpness", *words])
    assert code == 1
    assert f"{WEIGHTS} is damaged, or of another run" in err
    (directory / WEIGHTS).write_bytes(whole)
    assert command_line(["landscape", "sharpness", *words])[0] == 0
