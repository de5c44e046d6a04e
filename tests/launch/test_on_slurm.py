"""scripts/slurm.sbatch on a real Slurm of two nodes, which are both this machine."""

import json
import os
import sys
from pathlib import Path

import pytest

from gengap.runs.record import LOG
from gengap.runs.state import run_state

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "slurm.sbatch"
WORDS = ["workload.epochs=4", "workload.milestones=[3]", "runtime.threads=1", "model.name=first:attempt"]
OPTIONS = ["--parsable", "--gres=none", "--cpus-per-task=1"]

# The network; in a job's first attempt, its first update ends the time budget, or waits for a signal
NETWORK = '''\
import os, signal, time
from pathlib import Path
from gengap.models import build

def attempt(num_classes, in_features, width):
    model = build("f1", num_classes, in_features=in_features, width=width)
    if os.environ.get("SLURM_RESTART_COUNT", "0") == "0":
        model.register_forward_pre_hook(interrupted)
    return model

def interrupted(*_):
    name = os.environ["UNTIL"]
    if name == "budget":
        later = time.time() + 86_400
        time.time = lambda: later
    while name != "budget" and is_recorded(name):
        Path("begun").touch()
        time.sleep(0.01)

def is_recorded(name):
    """Whether the run would be saved on this signal, which it has not got yet."""
    return getattr(signal.getsignal(getattr(signal, name)), "__name__", "") == "_receive"
'''


@pytest.fixture
def submit(slurm, tmp_path):
    """Submits scripts/slurm.sbatch from tmp_path; returns the job."""
    (tmp_path / "first.py").write_text(NETWORK)
    gengap = tmp_path / "bin" / "gengap"
    gengap.parent.mkdir()
    gengap.write_text(f'#!/bin/sh\necho "$@" >>"{tmp_path}/words"\nexec "{sys.executable}" -m gengap "$@"\n')
    gengap.chmod(0o755)
    environment = {
        "PATH": f"{gengap.parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
        "MASTER_ADDR": "127.0.0.1",  # the nodes' names are no machines' names here
    }

    def send(until, *words, array="0", options=()):
        options = [*OPTIONS, f"--array={array}", *options]
        command = ["sbatch", *options, str(SCRIPT), *words, "results_dir=mine", *WORDS]
        return slurm.run(*command, cwd=tmp_path, UNTIL=until, **environment).strip()

    yield send
    slurm.run("scancel", "--user=root", check=False)


def logs(folder: Path) -> str:
    return "".join(file.read_text() for file in sorted(folder.glob("gengap-*.log")))


def runs(folder: Path) -> list[Path]:
    return sorted(folder.glob("mine/runs/*/seed*"))


def test_a_sweep_is_requeued_until_it_is_done(slurm, submit, tmp_path):
    submit("budget", "+experiment=digits_lb", array="0-1", options=["--time=00:41:00"])
    slurm.wait(lambda: not slurm.jobs(), "the end of the sweep", 120)
    budgets = {words.split()[-1] for words in (tmp_path / "words").read_text().splitlines()}
    assert budgets == {"runtime.time_budget=38"}, "a twentieth less than --time, after a requeue too"
    assert [directory.name for directory in runs(tmp_path)] == ["seed0", "seed1"], logs(tmp_path)
    for directory in runs(tmp_path):
        said = (directory / LOG).read_text()
        assert "stopped (the time budget is used up) after update 1 of " in said
        assert "resuming after update 1 of " in said
        assert run_state(directory).name == "finished"
        rows = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
        assert rows[-1]["update"] == json.loads((directory / "run.json").read_text())["regime"]["updates"]


@pytest.mark.parametrize("nodes", [1, 2])
def test_two_tasks_train_together_also_after_a_requeue(slurm, submit, tmp_path, nodes):
    submit("budget", "+experiment=digits_lb_gbn", options=["--ntasks=2", f"--nodes={nodes}"])
    slurm.wait(lambda: not slurm.jobs(), "the end of the job", 120)
    (directory,) = runs(tmp_path)
    said = (directory / LOG).read_text()
    assert "stopped (the time budget is used up) after update 1 of " in said, logs(tmp_path)
    assert "resuming after update 1 of " in said
    assert run_state(directory).name == "finished", logs(tmp_path)
    assert json.loads((directory / "run.json").read_text())["hardware"]["ranks"] == 2
    assert logs(tmp_path).count("finished, validation accuracy") == 1


def test_the_warning_before_the_limit_saves_and_requeues(slurm, submit, tmp_path):
    job = submit("SIGUSR1", "+experiment=digits_lb")
    slurm.wait((tmp_path / "begun").exists, "the first update")
    slurm.run("scancel", "--signal=USR1", job)
    slurm.wait(lambda: not slurm.jobs(), "the end of the job")
    (directory,) = runs(tmp_path)
    assert "stopped (SIGUSR1) after update 1 of " in (directory / LOG).read_text()
    assert run_state(directory).name == "finished", logs(tmp_path)


def test_a_cancelled_step_is_saved_and_not_requeued(slurm, submit, tmp_path):
    job = submit("SIGTERM", "+experiment=digits_lb")
    slurm.wait((tmp_path / "begun").exists, "the first update")
    slurm.run("scancel", "--signal=TERM", job)
    slurm.wait(lambda: not slurm.jobs(), "the end of the job")
    (directory,) = runs(tmp_path)
    state = run_state(directory)
    assert (state.name, state.done) == ("interrupted", 1), logs(tmp_path)


def test_the_job_of_a_drained_node_goes_on_on_another(slurm, submit, tmp_path):
    job = submit("SIGTERM", "+experiment=digits_lb")
    slurm.wait((tmp_path / "begun").exists, "the first update")
    (node,) = slurm.run("squeue", "--noheader", f"--job={job}", "--format=%N").split()
    slurm.run("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
    try:
        slurm.run("scontrol", "requeue", f"{job}_0")
        slurm.wait(lambda: slurm.jobs("running"), "the start on the other node")
        assert slurm.run("squeue", "--noheader", f"--job={job}", "--format=%N").split() != [node]
        slurm.wait(lambda: not slurm.jobs(), "the end of the job")
    finally:
        slurm.run("scontrol", "update", f"nodename={node}", "state=resume")
    (directory,) = runs(tmp_path)
    said = (directory / LOG).read_text()
    assert "stopped (SIGTERM) after update 1 of " in said
    assert "resuming after update 1 of " in said
    assert run_state(directory).name == "finished", logs(tmp_path)
