"""`gengap train` under torchrun itself."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gengap.config.identity import run_directory
from gengap.runs.state import run_state
from tests.docs.documents import blocks, section
from tests.launch.test_golden_run import GOLDEN
from tests.launch.test_ranks import DRIVER, assert_close
from tests.ranks import free_port

pytestmark = pytest.mark.slow

TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]
SILENT = "has not answered for 5 s"


def torchrun(folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and output of torchrun with these words, whose rank 0 leaves its own in folder/code."""
    left = {"GENGAP_EXIT_CODE_FILE": str(folder / "code"), "HANGING": str(folder / "hanging")}
    lines, command = [], [*TORCHRUN, *words]
    with subprocess.Popen(command, env=os.environ | left, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            lines.append(line)
            if SILENT in line:  # else torchrun waits for 30 s until it kills a rank that hangs
                os.kill(int((folder / "hanging").read_text()), signal.SIGKILL)
    return process.returncode, "".join(lines)


def test_torchrun_trains_the_run_of_one_process(digits, tmp_path):
    documented = next(
        line
        for block in blocks(section("docs/gpu-and-cluster.md", "Several GPUs and machines"), "sh")
        for line in block.splitlines()
        if line.startswith("torchrun --nproc-per-node=2 ")
    )
    _, *words = documented.replace("results_dir=mine", f"results_dir={tmp_path}").split()
    code, said = torchrun(tmp_path, f"--master-port={free_port()}", *words)
    assert code == 0
    assert said.count("finished, validation accuracy") == 1
    assert (tmp_path / "code").read_text() == "0\n"
    directory = run_directory(digits("lb_gbn"))
    record = json.loads((directory / "run.json").read_text())
    assert record["hardware"]["ranks"] == 2
    assert_close(directory, GOLDEN)


@pytest.mark.parametrize(
    ("what", "words", "says", "code", "done"),
    [
        ("SIGKILL", (), "has ended unexpectedly", "1", 2),
        ("hang", ("runtime.rank_timeout=5",), SILENT, "1", 2),
        ("time", ("runtime.time_budget=1000",), "stopped (the time budget is used up) after", "75", 3),
    ],
)
def test_torchrun_ends_with_1_and_the_file_says_why(what, words, says, code, done, tmp_path, digits):
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER)
    two = ("--nproc-per-node=2", f"--master-port={free_port()}", str(driver), what)
    train = ("train", "+experiment=digits_lb_gbn", f"results_dir={tmp_path}", *words)
    ended, said = torchrun(tmp_path, *two, *train)
    assert ended == 1
    assert (tmp_path / "code").read_text() == f"{code}\n"
    assert said.count(says) == 1
    state = run_state(run_directory(digits("lb_gbn")))
    assert (state.name, state.done) == ("interrupted", done)


def test_two_machines_meet_as_documented(tmp_path, digits):
    """Two torchrun that both run here, as if each were on a machine of its own."""
    meeting = ("--nnodes=2", "--rdzv-backend=c10d", f"--rdzv-endpoint=localhost:{free_port()}")
    words = ("--nproc-per-node=1", "--local-addr=localhost", "-m", "gengap", "train")
    words += ("+experiment=digits_lb_gbn", f"results_dir={tmp_path}", "runtime.device=cpu")
    command = [*TORCHRUN, *meeting, *words]
    machines = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [machine.communicate(timeout=120)[1] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0]
    assert "".join(said).count("finished, validation accuracy") == 1
    directory = run_directory(digits("lb_gbn"))
    assert json.loads((directory / "run.json").read_text())["hardware"]["ranks"] == 2
    assert_close(directory, GOLDEN)
