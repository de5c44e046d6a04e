"""Several ranks train on image files as one process does, also where some of them can't be decoded."""

from functools import partial

import pytest

from gengap.config.identity import run_directory
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.runs import read_record
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
