"""Runs in parallel whose processes are killed, as the kernel does when memory runs out."""

import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace

import pytest

from gengap.launch.journal import Journal
from gengap.launch.launcher import survive
from gengap.launch.outcome import Outcome
from gengap.launch.stop import Stop


def pool(journal, killers, workers=2):
    """A launcher whose processes begin `workers` runs at a time, and die of those in `killers`."""
    launched = []

    def launch(batch):
        launched.append([int(job.directory.name) for job in batch])
        for first in range(0, len(batch), workers):
            together = batch[first : first + workers]
            for job in together:
                journal.begin(job.directory)
            if any(int(job.directory.name) in killers for job in together):
                raise BrokenProcessPool("a worker was terminated")
            for job in together:
                journal.end(job.directory, Outcome.FINISHED)
        return [Outcome.FINISHED] * len(batch)

    return launch, launched


@pytest.mark.parametrize("killers", [(), (0,), (3,), (0, 1), (1, 4), tuple(range(6))], ids=str)
@pytest.mark.parametrize("workers", [2, 3, 8])
def test_only_the_runs_that_kill_their_process_are_left_out(killers, workers, tmp_path):
    jobs = [SimpleNamespace(directory=Path(str(k))) for k in range(6)]
    journal = Journal(tmp_path / "journal")
    launch, _ = pool(journal, killers, workers)
    found = survive(jobs, launch, journal, Stop(None))
    assert found == {
        job.directory: Outcome.KILLED if k in killers else Outcome.FINISHED for k, job in enumerate(jobs)
    }


def test_those_that_have_ended_are_not_launched_again_and_the_suspects_come_last(tmp_path, caplog):
    jobs = [SimpleNamespace(directory=Path(str(k))) for k in range(6)]
    journal = Journal(tmp_path / "journal")
    launch, launched = pool(journal, {2})
    survive(jobs, launch, journal, Stop(None))
    assert launched == [[0, 1, 2, 3, 4, 5], [4, 5], [2], [3]]
    first, second = caplog.messages
    assert "It trained one of 2, 3: it goes on from its checkpoint" in first
    assert second.startswith("gengap: 2: the process of this run was killed")
    assert "run the same command again to continue it" in second


def test_the_only_one_left_of_several_is_launched_alone_before_it_is_given_up(tmp_path, caplog):
    """Whether it was alone when its process was killed can't be known."""
    jobs = [SimpleNamespace(directory=Path(str(k))) for k in range(2)]
    journal, launched = Journal(tmp_path / "journal"), []

    def launch(batch):
        launched.append([job.directory.name for job in batch])
        for job in batch:
            journal.begin(job.directory)
            if job.directory.name == "1" and len(launched) == 1:
                raise BrokenProcessPool("a worker was terminated")
            journal.end(job.directory, Outcome.FINISHED)
        return [Outcome.FINISHED] * len(batch)

    found = survive(jobs, launch, journal, Stop(None))
    assert (launched, set(found.values())) == ([["0", "1"], ["1"]], {Outcome.FINISHED})
    assert caplog.messages[0].startswith(
        "gengap: a process was killed, is memory used up? It trained 1: it goes on"
    )


def test_a_process_killed_after_its_run_has_ended_costs_nothing(tmp_path, caplog):
    jobs = [SimpleNamespace(directory=Path("0"))]
    journal = Journal(tmp_path / "journal")

    def launch(batch):
        journal.end(batch[0].directory, Outcome.FINISHED)
        raise BrokenProcessPool("a worker was terminated")

    assert survive(jobs, launch, journal, Stop(None)) == {Path("0"): Outcome.FINISHED}
    assert not caplog.messages


def test_without_a_journal_all_are_suspects(tmp_path):
    jobs = [SimpleNamespace(directory=Path(str(k))) for k in range(4)]
    journal = Journal(tmp_path / "no folder" / "journal")
    launch, _ = pool(journal, {1})
    found = survive(jobs, launch, journal, Stop(None))
    assert [path.name for path, outcome in found.items() if outcome == Outcome.KILLED] == ["1"]


def test_a_stop_starts_no_further_pool(tmp_path):
    jobs = [SimpleNamespace(directory=Path(str(k))) for k in range(4)]
    journal, stop = Journal(tmp_path / "journal"), Stop(None)
    launch, launched = pool(journal, {0})

    def launch_and_stop(batch):
        stop.record(15)
        return launch(batch)

    found = survive(jobs, launch_and_stop, journal, stop)
    assert (len(launched), set(found.values())) == (1, {Outcome.NOT_STARTED})


@pytest.mark.slow
def test_a_worker_of_joblib_that_is_killed(tmp_path):
    """The first process to build its network kills itself."""
    (tmp_path / "deadly.py").write_text(
        "import os, signal\n"
        "from pathlib import Path\n"
        "from gengap.models import build\n"
        "def once(num_classes, in_features, width):\n"
        "    try:\n"
        "        Path('killed').touch(exist_ok=False)\n"
        "    except FileExistsError:\n"
        "        return build('f1', num_classes, in_features=in_features, width=width)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    words = (
        "train -m +experiment=digits_lb model.name=deadly:once seed=0,1 workload.epochs=4 results_dir=mine"
    )
    words += " workload.milestones=[3] hydra/launcher=joblib hydra.launcher.n_jobs=2"
    command = [sys.executable, "-m", "gengap", *words.split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("killed, is memory used up?") == 1
    assert done.stderr.splitlines()[-1] == "gengap: 2 runs: 2 finished"
