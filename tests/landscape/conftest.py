import shutil

import pytest

from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from tests.conftest import composed

SHORT = ("workload.epochs=2", "workload.milestones=[1]", "model.options.width=16", "runtime.threads=1")


@pytest.fixture(scope="session")
def short_runs(tmp_path_factory):
    """A results directory with short runs of digits_sb and digits_lb, seed 0, that kept their weights."""
    folder = tmp_path_factory.mktemp("trained")
    for method in ("sb", "lb"):
        words = [f"+experiment=digits_{method}", *SHORT, "runtime.keep_weights=true"]
        assert execute(composed(words, folder)) == Outcome.FINISHED
    return folder


@pytest.fixture
def trained(short_runs, tmp_path):
    """A copy of these runs for one test."""
    return shutil.copytree(short_runs, tmp_path / "trained")


@pytest.fixture
def gengap(command_line):
    """Runs `gengap landscape` in the test's folder; returns exit code and lines on stderr."""

    def run(words):
        code, err, out = command_line(["landscape", *words.split()])
        assert out == ""
        assert "Traceback" not in err
        return code, err.splitlines()

    return run
