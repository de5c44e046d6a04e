"""What is no file where one is expected: one line names it, nothing waits for ever, and nothing is lost."""

import logging
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gengap.cli.report import main as report
from gengap.cli.status import main as status
from gengap.config.identity import run_directory
from gengap.config.sweep import Job
from gengap.errors import UnreadableError, UserError
from gengap.faults import MachineError, check_is_file
from gengap.launch.execute import execute
from gengap.launch.jobs import train_all
from gengap.launch.outcome import Outcome
from gengap.runs import read_store
from gengap.runs.claim import PREFIX
from gengap.runs.measurements import Measuring, measurement_file, read_measurement
from gengap.runs.record import FILES, LOCK, LOG, METRICS, NEWEST, PREVIOUS, RECORD, WEIGHTS
from gengap.runs.store import write_atomically
from gengap.training.trained import load_trained
from tests.conftest import composed

COMMITTED = Path(__file__).resolve().parents[2] / "results" / "runs"
DEMO = "digits_f1-lb_gbn-0a472355"
SHORT = ("+experiment=digits_lb", "workload.epochs=3", "workload.milestones=[2]", "runtime.threads=1")


def bound(path: Path) -> None:
    """Make a socket; its path may be longer than the system takes."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


KINDS = {
    "a named pipe": os.mkfifo,
    "a socket": bound,
    "a directory": Path.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
}
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def no_endless_wait() -> Iterator[None]:
    """Ends a test that opened a named pipe."""

    def raise_it(number: int, frame: object) -> None:
        raise TimeoutError("an endless wait")

    before = signal.signal(signal.SIGALRM, raise_it)
    signal.alarm(300)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results directory with a run that was saved after its first and second update."""
    folder = tmp_path_factory.mktemp("interrupted")
    config = composed([*SHORT, "runtime.time_budget=1e-9"], folder)
    for _ in range(2):
        assert execute(config) == Outcome.STOPPED
    return folder


@pytest.fixture
def config(interrupted: Path, tmp_path: Path) -> Any:
    shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True)
    return composed(SHORT, tmp_path)


def put(kind: str, path: Path) -> Path:
    """Something of this kind in the place of a file; where the file is now."""
    kept = path.with_name(f"kept-{path.name}")
    if path.exists():
        path.rename(kept)
    KINDS[kind](path)
    return kept


def take_away(path: Path, kept: Path) -> None:
    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    if kept.exists():
        kept.rename(path)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]


@kinds
@pytest.mark.parametrize("name", [*FILES, f"{PREFIX}7", f"{RECORD}.part", f"{NEWEST}.part"])
def test_a_run_is_interrupted_by_one_line_and_goes_on_when_it_is_gone(
    name: str, kind: str, config: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = run_directory(config) / name
    kept = put(kind, path)
    assert train_all([Job((), config)], (), 0.0) == 1
    (line,) = errors(caplog)
    assert line.startswith(f"gengap: {path} is {kind}")
    assert "remove it" in line
    take_away(path, kept)
    if (name, kind) in ((NEWEST, "a directory"), (METRICS, "a named pipe"), (f"{NEWEST}.part", "a socket")):
        caplog.set_level("INFO")
        assert execute(config) == Outcome.FINISHED
        assert "resuming after update 2 of " in caplog.text


def test_the_one_before_is_gone_on_from_when_a_directory_is_removed(
    config: Any, caplog: pytest.LogCaptureFixture
) -> None:
    newest = run_directory(config) / NEWEST
    put("a directory", newest)
    assert execute_error(config).startswith(f"{newest} is a directory")
    newest.rmdir()
    caplog.set_level("INFO")
    assert execute(config) == Outcome.FINISHED
    assert "resuming after update 1 of " in caplog.text


def execute_error(config: Any) -> str:
    with pytest.raises(UnreadableError) as error:
        execute(config)
    return str(error.value)


@kinds
@pytest.mark.parametrize("name", [*FILES, f"{PREFIX}7"])
def test_status_and_report_show_the_run_or_name_it_in_one_line(
    name: str, kind: str, config: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run_directory(config) / name
    put(kind, path)
    assert status([f"results_dir={tmp_path}"]) == 0
    found = capsys.readouterr()
    if name in (LOG, LOCK, WEIGHTS, f"{PREFIX}7"):
        assert found.err == ""
        assert "interrupted at update" in found.out or "training at update" in found.out
    else:
        assert found.err.startswith(f"gengap: {path} is {kind}")
        assert len(found.err.splitlines()) == 1
    assert report([f"results_dir={tmp_path}", "--check"]) == 1  # there is no report
    named = [line for line in capsys.readouterr().err.splitlines() if line.startswith("left out")]
    assert len(named) == (name in (RECORD, METRICS))


@kinds
def test_weights_and_records_of_measurements(kind: str, config: Any, tmp_path: Path) -> None:
    config.runtime.keep_weights = True
    assert execute(config) == Outcome.FINISHED
    directory = run_directory(config)
    put(kind, directory / WEIGHTS)
    with pytest.raises(UserError, match=f"{WEIGHTS} is {kind}"):
        load_trained(directory)
    file = measurement_file(tmp_path, directory.parent.name, 0, "sharpness", "0badcafe")
    file.parent.mkdir(parents=True)
    for path in (file, file.with_suffix(".lock"), file.with_name(f"{file.name}.part")):
        KINDS[kind](path)
        with pytest.raises(UnreadableError, match=f"{path.name} is {kind}"), Measuring(file):
            pass
        if path == file:
            with pytest.raises(UnreadableError, match=f"{path.name} is {kind}"):
                read_measurement(file)
        if path.exists() or path.is_symlink():  # a lock may have been removed
            take_away(path, file)


@kinds
def test_nothing_is_written_to_it(kind: str, tmp_path: Path) -> None:
    for path in (tmp_path / "file", tmp_path / "file.part"):
        KINDS[kind](path)
        with pytest.raises(MachineError, match=f"{path.name} is {kind}"):
            write_atomically(tmp_path / "file", b"data")
        take_away(path, tmp_path / "kept")
    write_atomically(tmp_path / "file", b"data")
    assert check_is_file(tmp_path / "file")
    assert not check_is_file(tmp_path / "absent")


@kinds
def test_a_checkpoint_is_not_given_up_for_it(kind: str, config: Any) -> None:
    """The one before is whole, and is neither moved nor named as damaged."""
    directory = run_directory(config)
    before = (directory / PREVIOUS).read_bytes()
    put(kind, directory / NEWEST)
    assert PREVIOUS not in execute_error(config)
    assert (directory / PREVIOUS).read_bytes() == before


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results directory with its report."""
    folder = tmp_path_factory.mktemp("reported")
    shutil.copytree(COMMITTED / DEMO, folder / "runs" / DEMO)
    assert report([f"results_dir={folder}"]) == 0
    return folder


@pytest.mark.usefixtures("without_pictures")
@kinds
@pytest.mark.parametrize(
    ("name", "words"),
    [("README.md", []), ("README.md", ["--check"]), ("old.svg", [])],  # --check compares no pictures
)
def test_a_file_of_the_report(name: str, words: list[str], kind: str, reported: Path) -> None:
    whole = (reported / "report" / "report.html").read_bytes()
    kept = put(kind, reported / "report" / name)
    try:
        with pytest.raises(UnreadableError, match=f"{name} is {kind}"):
            report([f"results_dir={reported}", *words])
        assert (reported / "report" / "report.html").read_bytes() == whole
    finally:
        take_away(reported / "report" / name, kept)


def test_the_report_is_whole_when_they_are_gone(reported: Path) -> None:
    assert report([f"results_dir={reported}", "--check"]) == 0


@pytest.mark.parametrize("name", [RECORD, METRICS])
def test_a_huge_file_is_no_record_and_is_not_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "runs" / DEMO / "seed0"
    shutil.copytree(COMMITTED / DEMO, directory.parent)
    os.truncate(directory / name, 3 * 2**30)
    read = Path.read_bytes

    def read_small(path: Path) -> bytes:
        assert path.stat().st_size < 2**20
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_small)
    (error,) = read_store(tmp_path).unreadable
    assert str(error).startswith(
        f"{directory / name} is damaged (3,221,225,472 bytes, which no record has): "
    )
