"""Several ranks train on image files as one process does, also where some of them can't be decoded."""

import re
from functools import partial

import pytest

from gengap.config.identity import run_directory
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.runs import read_record
from gengap.runs.record import LOG
from gengap.runs.state import run_state
from tests.launch.test_golden_run import rows
from tests.launch.test_ranks import assert_close, trained
from tests.photographs import run_config, write_photographs
from tests.ranks import pool

pytestmark = pytest.mark.slow


def test_two_ranks_end_as_one_process(tmp_path):
    folder = write_photographs(tmp_path)
    alone, shared = (run_config(folder, tmp_path / name) for name in ("alone", "shared"))
    assert execute(alone) == Outcome.FINISHED
    with pool(2) as everyone:
        assert everyone([(2, partial(trained, shared, 0))]) == [[Outcome.FINISHED] * 2]
    expected, found = (read_record(run_directory(config)) for config in (alone, shared))
    assert found["data"] == expected["data"]
    assert len(found["data"]["bad_photographs"]["train"]) == 3
    assert_close(run_directory(shared), run_directory(alone))


def test_the_bad_ones_of_all_ranks_are_counted_together(tmp_path):
    folder = write_photographs(tmp_path)
    few = "data.bad_photographs=2"  # of the 3 to be met
    alone, shared = (run_config(folder, tmp_path / name, few) for name in ("alone", "shared"))
    assert execute(alone) == Outcome.INTERRUPTED
    with pool(2) as everyone:
        ((first, _),) = everyone([(2, partial(trained, shared, 0))])
        assert first == Outcome.INTERRUPTED
        directory, expected = run_directory(shared), run_directory(alone)
        assert run_state(directory).done == run_state(expected).done > 0
        bad = read_record(directory)["data"]["bad_photographs"]
        assert bad == read_record(expected)["data"]["bad_photographs"]
        said = (directory / LOG).read_text()
        lines = re.findall(r"\S+/train/(\S+) can't be read.*; the next photograph is taken instead", said)
        too_many = r"3 photographs can't be decoded, more than .*=2 \(the last: \S+/train/(\S+) "
        (last,) = re.findall(too_many, said)
        assert sorted([*lines, last]) == bad["train"]
        patient, whole = (run_config(folder, tmp_path / name) for name in ("shared", "whole"))
        assert (
            everyone([(2, partial(trained, config, 0)) for config in (patient, whole)])
            == [[Outcome.FINISHED] * 2] * 2
        )
    assert rows(directory) == rows(run_directory(whole))
