"""Ctrl-C at any time and a closed pipe end every command; where a run was to be trained, one line says so."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gengap.__main__ import main
from gengap.cli.bench import _say_stopped
from gengap.runs.record import RECORD
from tests.records import STUB, record

pytestmark = pytest.mark.slow

COMMANDS = {
    "help": ["--help"],
    "train --help": ["train", "--help"],
    "train --cfg": ["train", "+experiment=digits_lb", "--cfg", "job"],
    "status": ["status", "+sweep=quickstart"],
    "report --help": ["report", "--help"],
    "plan": ["plan", "small_batch=16", "large_batch=64", "lr=0.1", "epochs=2", "dataset_size=1000"],
    "completion": ["-sc", "install=bash"],
}
TRAIN = ["train", "+experiment=digits_lb", "runtime.threads=1"]

# `gengap`, sent a signal when it starts to import a given module, or opens a file of that name
DRIVER = """
import os, sys
number, where, sys.argv[1:] = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
def hook(event, arguments):
    if event in ("import", "open") and str(arguments[0]).rpartition("/")[2] == where:
        os.kill(os.getpid(), number)
sys.addaudithook(hook)
from gengap.__main__ import main
main()
"""

# `gengap`, whose group gets Ctrl-C as soon as it has started a process
STARTED = """
import os, signal, sys
from multiprocessing.context import SpawnProcess
os.setpgid(0, 0)
start = SpawnProcess.start
def started(process):
    start(process)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, signal.SIGINT))
SpawnProcess.start = started
from gengap.__main__ import main
main()
"""


def run(words: list[str], cwd: Path, **streams) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gengap", *words]
    return subprocess.run(command, cwd=cwd, text=True, check=False, **streams)


def signalled(number: int, module: str, words: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    driver = [sys.executable, "-c", DRIVER, str(int(number)), module, *words]
    return subprocess.run(driver, cwd=cwd, capture_output=True, text=True, check=False)


def test_a_missing_dependency_is_one_line(tmp_path):
    (tmp_path / "omegaconf.py").write_text("import nothing_of_this_name\n")
    done = run(["train", "+experiment=digits_lb"], tmp_path, capture_output=True)
    assert done.returncode == 2
    assert done.stderr == (
        "gengap: the module nothing_of_this_name is missing: install gengap with its dependencies "
        "(without pip's --no-deps; in a clone, type scripts/venv)\n"
    )


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_closed_pipe_ends_a_command_silently(words, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run(words, tmp_path, stdout=writer, stderr=subprocess.PIPE)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.parametrize(
    ("command", "module"),
    [
        ("status", "hydra"),
        ("status", "gengap.config.schema"),
        ("report", "pandas"),
        ("report", "numpy"),
        ("plan", "omegaconf"),
        ("train", "hydra"),
        ("train", "numpy._core.multiarray"),
    ],
)
def test_ctrl_c_during_an_import_ends_a_command_silently(command, module, tmp_path):
    words = TRAIN if command == "train" else COMMANDS.get(command, [command])
    done = signalled(signal.SIGINT, module, words, tmp_path)
    said = [line for line in done.stderr.splitlines() if not line.startswith("gengap: digits_f1-lb-")]
    assert (done.returncode, said, done.stdout) == (128 + signal.SIGINT, [], "")


STOPPED = "gengap bench: stopped ({}) before any case was measured"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 128 + signal.SIGINT), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_bench_shows_something_before_torch_is_imported_and_ends_in_a_line(number, code, tmp_path):
    for words, first in (
        ([], "looking for a GPU"),
        (["workload=digits_f1"], "F1, digits SB in fp32 and bf16, "),
    ):
        done = signalled(number, "torch", ["bench", *words], tmp_path)
        assert (done.returncode, done.stdout) == (code, "")
        line, stopped = done.stderr.splitlines()
        assert line.startswith(f"gengap bench: {first}")
        assert stopped == STOPPED.format(number.name)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 128 + signal.SIGINT), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_bench_that_is_stopped_while_measuring_leaves_no_process(number, code, tmp_path):
    """The signal goes to all processes of the command, as from a terminal or a scheduler."""
    words = ["bench", "workload=digits_f1", "method=lb_gbn", "precision=fp32", "rounds=1"]
    command = [sys.executable, "-m", "gengap", *words]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if "starting the typical loop" in line)
        os.killpg(process.pid, number)
        assert process.stderr.read().splitlines() == [
            STOPPED.format(number.name)
        ]  # at its end, none holds it
    assert process.returncode == code


def test_ctrl_c_while_the_ranks_of_bench_start_is_one_line(tmp_path):
    """They import torch, and the signal goes to them too, as from a terminal."""
    words = ["bench", "ranks=1,2", "workload=digits_f1", "method=lb_gbn", "precision=fp32", "rounds=1"]
    driver = [sys.executable, "-c", STARTED, *words]
    done = subprocess.run(driver, cwd=tmp_path, capture_output=True, text=True, check=False)
    *_, stopped = said = done.stderr.splitlines()
    assert (done.returncode, stopped) == (128 + signal.SIGINT, STOPPED.format("SIGINT"))
    assert all(line.startswith("gengap bench: ") for line in said)


def test_bench_says_which_cases_are_finished(capsys):
    _say_stopped(["F1, digits SB", "F1, digits LB"], ", saved in mine/bench", "SIGTERM")
    assert capsys.readouterr().err == (
        "gengap bench: stopped (SIGTERM); finished: F1, digits SB, F1, digits LB, saved in mine/bench\n"
    )


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 128 + signal.SIGINT), (signal.SIGTERM, -signal.SIGTERM)]
)
@pytest.mark.parametrize(
    "module",
    [
        "torch",
        "gengap.launch.execute",
        "digits.csv.gz",  # the data set, when the run's directory is already locked
    ],
)
def test_signal_before_the_first_update_says_that_nothing_was_trained(module, number, code, tmp_path):
    done = signalled(number, module, TRAIN, tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    reason = f"stopped ({number.name}) before the first update: nothing was trained"
    (line,) = done.stderr.splitlines()[1:]
    assert line == f"results/runs/digits_f1-lb-40e2d883/seed0: {reason}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 128 + signal.SIGINT), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_signal_before_the_first_measurement_is_one_line(number, code, tmp_path):
    done = signalled(number, "torch", ["landscape", "walk", "+experiment=digits_lb"], tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    (line,) = done.stderr.splitlines()[1:]
    name = "walk of digits_f1-lb-40e2d883 seed0"
    assert line == f"{name}: stopped ({number.name}) before its next measurement; run the same command again"
    assert list(tmp_path.iterdir()) == []


def test_signal_before_a_resumed_run_continues_keeps_its_folder(tmp_path):
    directory = tmp_path / "results" / "runs" / "digits_f1-lb-40e2d883" / "seed0"
    directory.mkdir(parents=True)
    found = record({**STUB, "method": {"name": "lb", "batch_size": 512}}, digest="40e2d883")
    (directory / RECORD).write_text(json.dumps(found))
    done = signalled(signal.SIGINT, "digits.csv.gz", TRAIN, tmp_path)
    assert done.returncode == 128 + signal.SIGINT
    assert "stopped (SIGINT) before its next update, " in done.stderr
    assert (directory / RECORD).exists()


def test_previous_signal_handler_is_restored(monkeypatch, capsys):
    before = signal.getsignal(signal.SIGINT)
    for words in (["--version"], ["nonsense"]):
        monkeypatch.setattr(sys, "argv", ["gengap", *words])
        with pytest.raises(SystemExit):
            main()
        assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_under_a_launcher_saves_running_runs_and_starts_no_others(tmp_path):
    """The signal goes to all processes of the command, as from a terminal, once two runs are training."""
    words = ["train", "-m", "+experiment=digits_sb", "seed=0,1,2", "workload.epochs=1000"]
    words += ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "runtime.checkpoint_seconds=0"]
    command = [sys.executable, "-m", "gengap", *words]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        deadline = time.monotonic() + 120
        while len(list(tmp_path.glob("results/runs/*/seed*/checkpoint.pt"))) < 2:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        stderr = process.stderr.read()
    assert process.returncode == 128 + signal.SIGINT, stderr
    assert "Traceback" not in stderr
    assert stderr.count("stopped (SIGINT) after update") == 2
    summary = "gengap: 3 runs: 0 finished, 2 interrupted, 1 not started (SIGINT; run the same command again"
    assert summary in stderr
    assert len(list(tmp_path.glob(f"results/runs/*/seed*/{RECORD}"))) == 2
    assert len(list(tmp_path.glob("results/runs/*/seed*/checkpoint.pt"))) == 2


@pytest.mark.parametrize(("rank", "left"), [("0", None), ("1", "75\n")])
def test_a_killed_rank_0_leaves_no_exit_code_of_an_earlier_command(rank, left, tmp_path):
    code = tmp_path / "code"
    code.write_text("75\n")
    subprocess.run(
        [sys.executable, "-c", DRIVER, str(int(signal.SIGKILL)), "gengap.cli.options", "status"],
        env=os.environ | {"GENGAP_EXIT_CODE_FILE": str(code), "RANK": rank},
        check=False,
    )
    assert (code.read_text() if code.exists() else None) == left


def test_rank_0_leaves_its_exit_code(tmp_path):
    code = tmp_path / "code"
    environment = os.environ | {"GENGAP_EXIT_CODE_FILE": str(code), "SLURM_PROCID": "0"}
    subprocess.run([sys.executable, "-m", "gengap", "nothing"], env=environment, check=False)
    assert code.read_text() == "2\n"
