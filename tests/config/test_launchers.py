"""Mistakes in the words of Hydra's launcher: one line that names the word and says what to type."""

import logging

import pytest

from gengap.__main__ import main
from gengap.config import launchers
from gengap.config.launchers import check_launcher
from gengap.errors import UserError

JOBLIB = "hydra/launcher=joblib"


def refusal(*words):
    with pytest.raises(UserError) as caught:
        check_launcher(words)
    return str(caught.value)


@pytest.mark.parametrize(
    "words",
    [
        [],
        [JOBLIB],
        ["hydra/launcher=basic"],
        [JOBLIB, "hydra.launcher.n_jobs=2", "hydra.launcher.backend=null", "hydra.launcher.timeout=1.5"],
    ],
    ids=" ".join,
)
def test_what_hydra_takes_passes(words):
    check_launcher(words)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "submitit_local",
            "submitit_local is not installed: type pip install hydra-submitit-launcher, "
            "or hydra/launcher=basic or joblib",
        ),
        (
            "ray",
            "ray is not installed: type pip install hydra-ray-launcher, or hydra/launcher=basic or joblib",
        ),
        (
            "submitit",
            "unknown launcher 'submitit': did you mean submitit_slurm or submitit_local? submitit_slurm or "
            "submitit_local is not installed: type pip install hydra-submitit-launcher, "
            "or hydra/launcher=basic or joblib",
        ),
        ("jobli", "unknown launcher 'jobli': did you mean joblib?"),
        ("mine", "unknown launcher 'mine': type hydra/launcher=basic or joblib"),
        ("", "unknown launcher '': type hydra/launcher=basic or joblib"),
    ],
)
def test_launcher_that_is_not_there(name, line, monkeypatch):
    monkeypatch.setattr(launchers, "names_in", lambda group: ["basic", "joblib"])
    assert refusal(f"hydra/launcher={name}") == line


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "joblib",
            "joblib is not installed: type pip install hydra-joblib-launcher, or hydra/launcher=basic",
        ),
        (
            "mine",
            "unknown launcher 'mine': type hydra/launcher=basic; "
            "type pip install hydra-joblib-launcher to add joblib",
        ),
    ],
)
def test_joblib_is_offered_where_it_is_not_installed(name, line, monkeypatch):
    monkeypatch.setattr(launchers, "names_in", lambda group: ["basic"])
    assert refusal(f"hydra/launcher={name}") == line


@pytest.mark.parametrize(
    ("word", "end"),
    [
        ("njobs=2", "unknown launcher setting njobs: did you mean n_jobs?"),
        ("n_jobs=two", "hydra.launcher.n_jobs must be a whole number"),
        ("n_jobs=1.5", "hydra.launcher.n_jobs must be a whole number"),
        ("n_jobs=null", "hydra.launcher.n_jobs must be a whole number"),
        ("timeout=long", "hydra.launcher.timeout must be a number or null"),
        ("n_jobs=1,2", "has several values"),
        ("xyz=1", "unknown launcher setting xyz: type one of backend, batch_size, "),
    ],
)
def test_setting_of_joblib(word, end):
    line = refusal(JOBLIB, "hydra.launcher.verbose=1", f"hydra.launcher.{word}")
    assert line.startswith(f"hydra.launcher.{word}")
    assert end in line


def test_setting_that_can_not_be_parsed():
    assert refusal(JOBLIB, "hydra.launcher.n_jobs[=2") == (
        "can't parse hydra.launcher.n_jobs[=2: type hydra.launcher.KEY=VALUE"
    )


def test_setting_without_a_launcher():
    assert "add hydra/launcher=NAME" in refusal("hydra.launcher.n_jobs=2")


@pytest.mark.parametrize("words", ["hydra/launcher=ray", f"{JOBLIB} hydra.launcher.njobs=2"])
def test_nothing_is_printed_before_the_mistake(words, monkeypatch, caplog, tmp_path):
    monkeypatch.chdir(tmp_path)
    command = f"gengap train -m +experiment=digits_lb seed=0,1 {words}"
    monkeypatch.setattr("sys.argv", command.split())
    caplog.set_level(logging.INFO)
    with pytest.raises(SystemExit, match="2"):
        main()
    assert len(caplog.messages) == 1
