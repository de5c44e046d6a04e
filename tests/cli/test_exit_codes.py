"""Of every command: 1 where the machine or a file is at fault, 2 for a mistake in what was typed."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from gengap.cli.ending import run_command
from gengap.data.packed import FILE
from gengap.errors import FAILED, MISTAKE, FaultError, UnreadableError, UserError, exit_code
from gengap.faults import MachineError, NotAFileError
from gengap.launch.outcome import Outcome, after
from gengap.runs import measurements, store

pytestmark = pytest.mark.slow

COMMITTED = Path(__file__).resolve().parents[2] / "results"
RUN = "runs/digits_f1-lb_gbn-0a472355/seed0"
SHORT = "+experiment=digits_lb_gbn runtime.threads=1 workload.epochs=2 workload.milestones=[1]"
PLAN = "plan small_batch=16 large_batch=64 lr=0.1 epochs=2 dataset_size=1000"
BENCH = "bench workload=digits_f1 method=lb_gbn precision=fp32 rounds=1"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError("a typing error"), MISTAKE),
        (FaultError("damaged"), FAILED),
        (UnreadableError(Path("run.json"), "is damaged"), FAILED),
        (MachineError("full"), FAILED),
        (NotAFileError(Path("run.json"), "is a directory"), FAILED),
        (OSError(errno.ENOSPC, "full"), FAILED),
        (ZeroDivisionError(), FAILED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_rule(error: Exception, code: int) -> None:
    assert exit_code(error) == code
    assert after(error) == (Outcome.REFUSED if code == MISTAKE else Outcome.FAILED)


def in_place_of_a_file(folder: Path, name: str) -> None:
    """A results directory with a run, one of whose files is a folder."""
    shutil.copytree(COMMITTED / RUN, folder / RUN)
    (folder / name).unlink(missing_ok=True)
    (folder / name).mkdir(parents=True)


def with_a_file_as_folder(folder: Path, name: str) -> None:
    """A results directory with a run, and a file where a folder is to be made."""
    shutil.copytree(COMMITTED / RUN, folder / RUN)
    (folder / name).write_text("")


FAULTS = [
    ("train +experiment=digits_lb_gbn", in_place_of_a_file, f"{RUN}/metrics.jsonl"),
    (f"train {SHORT} results_dir=results/{RUN}/run.json", with_a_file_as_folder, "notes"),
    ("status", None, ""),
    ("report", with_a_file_as_folder, "report"),
    ("report --check", in_place_of_a_file, f"{RUN}/run.json"),
    ("landscape sharpness +experiment=digits_lb_gbn", in_place_of_a_file, f"{RUN}/weights.pt"),
    ("landscape sharpness +experiment=digits_lb_gbn", in_place_of_a_file, f"{RUN}/run.json"),
    ("landscape walk +experiment=digits_lb_gbn", with_a_file_as_folder, "landscape"),
    (f"{PLAN} noise_scale=results/{RUN}/run.json", in_place_of_a_file, f"{RUN}/run.json"),
    (PLAN, in_place_of_a_file, "report/table1.csv"),
    (BENCH, with_a_file_as_folder, "bench"),
    ("prepare imagenet data.root=results workers=1", in_place_of_a_file, f"imagenet/{FILE}"),
]


@pytest.mark.parametrize(("words", "make", "name"), FAULTS, ids=[f"{w[:40]} {n}" for w, _, n in FAULTS])
def test_a_fault_of_a_file_is_1(
    words: str, make: Any, name: str, command_line: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    if make is None:  # a folder that can't be looked into, which status names
        (tmp_path / "results").mkdir()
        monkeypatch.setattr("gengap.cli.status.run_directories", refuse)
    else:
        make(tmp_path / "results", name)
    code, err, _ = command_line(words.split())
    assert "Traceback" not in err
    assert code == 1, err
    assert name == "notes" or make is None or name in err


def refuse(*_: object) -> None:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), "results")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
@pytest.mark.parametrize(
    "words", [f"train {SHORT}", f"landscape walk {SHORT} points=2 draws=3", "report", "report --check"]
)
def test_a_fault_of_the_disk_is_1(
    number: int, words: str, command_line: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(COMMITTED / RUN, tmp_path / "results" / RUN)

    def fail(path: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(store, "write_atomically", fail)
    monkeypatch.setattr(measurements, "write_atomically", fail)
    monkeypatch.setattr(Path, "write_text", fail)
    code, err, _ = command_line(words.split())
    assert (code, "Traceback" in err) == (1, False), err
    if "train" in words:
        assert os.strerror(number) in err


MISTAKES = [
    "train +experiment=digits_lb_gbn method.batch_size=-1",
    "train +experiment=digits_lb_gbn data.name=nothing:there",
    "train +experiment=digits_lb_gbn data=imagenet data.root=nowhere",
    "status --cost=1",
    "report reslts_dir=x",
    "landscape sharpness +experiment=digits_lb_gbn seed=77",
    "plan small_batch=16",
    "bench workload=nothing",
    "prepare imagenet data.root=nowhere",
    "no_such_command",
]


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_in_what_was_typed_is_2(words: str, command_line: Any) -> None:
    code, err, _ = command_line(words.split())
    assert (code, "Traceback" in err) == (2, False), err


MEMORY = [
    MemoryError(),
    ImportError("libtorch_python.so: failed to map segment from shared object"),
    ImportError("libopenblas.so: cannot map zero-fill pages: Cannot allocate memory"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
]


@pytest.mark.parametrize("error", MEMORY, ids=lambda error: str(error)[:20])
def test_memory_that_is_refused_to_a_command_is_1(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def refused() -> int:
        raise error

    assert run_command(refused) == 1
    assert caplog.messages == [
        "gengap: the machine is out of memory: end other programs, or allow more (ulimit -v)"
    ]


@pytest.mark.parametrize("error", [ImportError("cannot import name x"), RuntimeError("shapes")], ids=str)
def test_other_errors_keep_their_traceback(error: Exception) -> None:
    def broken() -> int:
        raise error

    with pytest.raises(type(error)):
        run_command(broken)
