"""What a command says of runs that are done already."""

import logging

import pytest

from gengap.config.conf import CONF
from gengap.config.sweep import Job, compose_jobs, expand
from gengap.errors import DONE, UNFINISHED
from gengap.launch import jobs as launch_jobs
from gengap.launch.jobs import train_all
from gengap.launch.outcome import Outcome
from gengap.launch.summary import finished_line, skipped_line, sum_up
from tests.cli.test_status import write

COMMITTED = CONF.parent / "results"


@pytest.fixture
def jobs(tmp_path):
    """Jobs of seeds that have finished in a results directory of one's own."""

    def make(*words):
        jobs = compose_jobs(expand(["+experiment=digits_lb", f"results_dir={tmp_path}", *words]))
        for job in jobs:
            write(job.config, "finished", done=10)
        return jobs

    return make


def test_a_run_that_is_done_says_how_to_train_it_again(jobs):
    [job] = jobs()
    again = "to train it again, add another results_dir=DIR or delete its folder"
    assert skipped_line(job) == f"{job.directory} has finished, validation accuracy 90.00%: skipped; {again}"


def test_a_run_that_a_job_has_trained_says_what_it_came_to(jobs):
    [job] = jobs()
    assert finished_line(job) == f"{job.directory}: finished, validation accuracy 90.00%"


def test_a_run_without_the_weights_that_were_asked_for_says_how_to_have_them(jobs, caplog):
    [job, other] = jobs("runtime.keep_weights=true", "seed=0,1")
    how = (
        "were not kept (weights.pt is written only when a run finishes); to have them, train again: "
        "add another results_dir=DIR or delete its folder"
    )
    assert skipped_line(job).endswith(f": skipped, and its weights {how}")
    (other.directory / "weights.pt").touch()
    assert ": skipped; to train it again" in skipped_line(other)
    with caplog.at_level(logging.INFO):
        sum_up([job, other], [Outcome.SKIPPED] * 2, None)
    assert caplog.messages == [
        "gengap: 2 runs: 2 already finished",
        f"  the weights of 1 run {how}",
    ]


def test_committed_records_are_not_to_be_deleted(caplog):
    words = ["+experiment=digits_lb", "seed=0,1", f"results_dir={COMMITTED}"]
    jobs = compose_jobs(expand(words))
    again = f"add another results_dir=DIR: {COMMITTED} holds the committed records"
    assert skipped_line(jobs[0]).endswith(f": skipped; to train it again, {again}")
    with caplog.at_level(logging.INFO):
        sum_up(jobs, [Outcome.SKIPPED] * 2, None)
    assert caplog.messages == ["gengap: 2 runs: 2 already finished", f"  to train them yourself, {again}"]


@pytest.mark.parametrize(
    ("status", "code", "counts"),
    [
        ("finished", DONE, "1 finished, 1 already finished"),
        ("diverged", DONE, "1 finished, 1 already diverged"),
        ("running", UNFINISHED, "1 finished, 1 running in another process"),
    ],
)
def test_runs_left_to_another_process_are_looked_at_again(status, code, counts, digits, monkeypatch, caplog):
    first, second = [Job((), digits("lb", f"seed={seed}")) for seed in range(2)]

    def train(job, *_):
        if job is first:
            return Outcome.BUSY
        write(first.config, status, done=10)  # by the other process, meanwhile
        return Outcome.FINISHED

    monkeypatch.setattr(launch_jobs, "train_one", train)
    caplog.set_level(logging.INFO)
    assert train_all([first, second], (), 0.0) == code
    assert caplog.messages[-1] == f"gengap: 2 runs: {counts}"
