"""A full disk, a missing permission or a removed folder interrupts a run, and the same command goes on."""

import errno
import json
import os
import shutil

import pytest

from gengap.config.identity import run_directory
from gengap.config.sweep import Job
from gengap.errors import UserError
from gengap.faults import MachineError
from gengap.launch import execute as execute_module
from gengap.launch import recording
from gengap.launch.execute import attempt, execute
from gengap.launch.failure import RunFailedError, as_user_error
from gengap.launch.jobs import train_all
from gengap.launch.outcome import Outcome
from gengap.runs import checkpoint, read_record, store
from gengap.runs.record import METRICS, NEWEST, WEIGHTS
from gengap.runs.store import Run

SHORT = (
    "workload.epochs=2", "workload.milestones=[1]", "runtime.threads=1", "runtime.checkpoint_seconds=0",
    "runtime.keep_weights=true",
)  # fmt: skip
CODES = [
    errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ENAMETOOLONG,
    errno.EMFILE, errno.ENOENT,
]  # fmt: skip


class Disk:
    """Raises OSError at the write of this number, and at every later one; counts the writes."""

    def __init__(self, patch, fails_at=None, code=errno.ENOSPC):
        self.writes, self.fails_at, self.code = 0, fails_at, code
        append, whole = Run.append_metrics, store.write_atomically

        def write(path, data):
            self.count(path)
            whole(path, data)

        def append_metrics(run, row):
            append(run, row)
            size = (run.directory / METRICS).stat().st_size
            try:
                self.count(run.directory / METRICS)
            except OSError:  # in the middle of the row
                os.truncate(run.directory / METRICS, size - 9)
                raise

        for module in (store, checkpoint, recording):
            patch.setattr(module, "write_atomically", write)
        patch.setattr(Run, "append_metrics", append_metrics)

    def count(self, path):
        self.writes += 1
        if self.fails_at is not None and self.writes >= self.fails_at:
            raise OSError(self.code, os.strerror(self.code), str(path))


def outcome_of(directory):
    rows = [json.loads(line) for line in (directory / METRICS).read_text().splitlines()]
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows], (
        directory / WEIGHTS
    ).read_bytes()


@pytest.fixture
def whole(digits, monkeypatch):
    """What a run without a fault came to, and how often it wrote."""
    config = digits("lb", *SHORT)
    with monkeypatch.context() as patch:
        disk = Disk(patch)
        assert execute(config) == Outcome.FINISHED
    found = outcome_of(run_directory(config))
    shutil.rmtree(run_directory(config))
    return found, disk.writes


def test_a_disk_that_fills_at_any_write_interrupts_and_the_end_is_the_same(
    whole, digits, monkeypatch, caplog
):
    expected, writes = whole
    config = digits("lb", *SHORT)
    directory = run_directory(config)
    for number in range(1, writes + 1):
        caplog.clear()
        with monkeypatch.context() as patch:
            Disk(patch, number)
            outcome = execute(config)
        (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
        assert line.endswith("No space left on device; free some space, then run the same command again")
        if number == 1:  # its record
            assert (outcome, directory.exists()) == (Outcome.FAILED, False)
        else:
            assert outcome == Outcome.INTERRUPTED
            assert read_record(directory)["status"] == "running"
            assert "error" not in read_record(directory)
        assert execute(config) == Outcome.FINISHED
        assert outcome_of(directory) == expected
        shutil.rmtree(directory)


@pytest.mark.parametrize("code", CODES, ids=errno.errorcode.get)
def test_any_error_of_the_system_interrupts(code, digits, monkeypatch, caplog):
    config = digits("lb", *SHORT)
    with monkeypatch.context() as patch:
        Disk(patch, 5, code)
        assert execute(config) == Outcome.INTERRUPTED
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert line.startswith(f"gengap: {run_directory(config)}/")
    assert f": {os.strerror(code)}; " in line
    assert line.endswith(", then run the same command again")
    assert read_record(run_directory(config))["status"] == "running"
    assert execute(config) == Outcome.FINISHED


@pytest.mark.parametrize("code", [errno.EACCES, errno.ESTALE])
def test_a_checkpoint_that_cant_be_read_for_now_is_not_given_up(code, digits, monkeypatch):
    """Falling back, or starting over, would throw away what may be whole."""
    config = digits("lb", *SHORT)
    directory = run_directory(config)
    with monkeypatch.context() as patch:
        Disk(patch, 8)
        execute(config)
    files = {p.name: p.read_bytes() for p in directory.glob("checkpoint*")}

    def refuse(path):
        raise OSError(code, os.strerror(code), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(
            checkpoint.Path, "read_bytes", lambda path: refuse(path) if path.name == NEWEST else b""
        )
        with pytest.raises(OSError, match=os.strerror(code)):
            checkpoint.load_checkpoint(directory)
    assert {p.name: p.read_bytes() for p in directory.glob("checkpoint*")} == files


def test_a_folder_that_is_removed_while_training_is_one_line(digits, monkeypatch, caplog):
    config = digits("lb", *SHORT)
    append = Run.append_metrics

    def remove(run, row):
        append(run, row)
        shutil.rmtree(run.directory)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "append_metrics", remove)
        assert execute(config) == Outcome.INTERRUPTED
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert "No such file or directory; put it back, then" in line
    assert not run_directory(config).exists()
    assert execute(config) == Outcome.FINISHED


@pytest.mark.parametrize(("code", "left"), [(errno.ENOSPC, "not started"), (errno.EACCES, "finished")])
def test_a_sweep_goes_on_unless_the_whole_disk_is_concerned(code, left, digits, monkeypatch, caplog):
    jobs = [Job((), digits("lb", *SHORT, f"seed={seed}")) for seed in range(3)]
    fit = execute_module.fit

    def fit_but_the_first(run, *others):
        if run.record["seed"] == 0:
            raise OSError(code, os.strerror(code), str(run.directory / METRICS))
        return fit(run, *others)

    monkeypatch.setattr(execute_module, "fit", fit_but_the_first)
    with caplog.at_level("INFO"):
        assert train_all(jobs, (), 0.0) == 1
    lines = [r.getMessage() for r in caplog.records]
    (summary,) = [line for line in lines if line.startswith("gengap: 3 runs: ")]
    assert f"2 {left}" in summary
    assert "1 interrupted by an error" in summary
    assert "run the same command again to continue" in summary
    assert lines[-1] == f"  interrupted by an error: {jobs[0].directory}"


def test_a_folder_that_cant_be_made_leaves_nothing_and_ends_the_sweep(digits, monkeypatch, tmp_path, caplog):
    (tmp_path / "runs").write_text("not a folder")
    jobs = [Job((), digits("lb", *SHORT, f"seed={seed}")) for seed in range(2)]
    with caplog.at_level("INFO"):
        assert train_all(jobs, (), 0.0) == 1
    lines = [r.getMessage() for r in caplog.records]
    assert sum("can't write to" in line for line in lines) == 1
    assert "gengap: 2 runs: 0 finished, 1 failed, 1 not started (Not a directory; run the same" in lines[-2]
    assert [p.name for p in tmp_path.iterdir()] == ["runs"]


def test_python_raises_what_the_command_logs(digits, monkeypatch):
    with monkeypatch.context() as patch:
        Disk(patch, 5)
        with pytest.raises(RunFailedError, match="free some space") as error:
            attempt(digits("lb", *SHORT))
    assert error.value.outcome == Outcome.INTERRUPTED


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("DataLoader worker (pid 17) is killed by signal: Killed. ", "decodes images was killed (Killed)"),
        ("DataLoader worker (pid(s) 17, 18) exited unexpectedly", "decodes images was killed, as happens"),
        ("DataLoader worker (pid 17) is killed by signal: Bus error. It is possible", "was killed (Bus)"),
    ],
)
def test_a_killed_worker_is_one_line(text, said, tmp_path):
    found = as_user_error(RuntimeError(text), tmp_path)
    assert isinstance(found, MachineError)
    assert said in str(found)
    assert "run the same command again" in str(found)


def test_a_fault_while_compiling_is_found_inside_the_error_of_torch(tmp_path):
    error = RuntimeError("backend='inductor' raised")
    error.inner_exception = OSError(errno.ENOSPC, "No space left on device", "/tmp/torchinductor")
    assert str(as_user_error(error, tmp_path)).startswith("/tmp/torchinductor: No space left")
    assert not isinstance(as_user_error(OSError("no errno"), tmp_path), UserError)
