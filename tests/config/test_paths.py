"""Paths and names on the command line: taken as they are typed, and refused where no folder can have them."""

import shlex
from pathlib import Path

import pytest

from gengap.cli.options import Spec, read
from gengap.cli.recorded import selection
from gengap.cli.status import main as status
from gengap.config.compose import compose_config
from gengap.config.identity import as_dict, run_directory, run_name
from gengap.config.keys import path_keys
from gengap.config.plain import compose_run
from gengap.config.sweep import compose_jobs, expand
from gengap.errors import UserError
from gengap.paths import expanded

CELL = "+experiment=digits_lb"
VERBATIM = [
    "1e3", "true", "null", "0x10", "-1", "[a]", "{a: 1}", "a b", " a ", "a,b", "(a)", "choice(a,b)", "a=b",
    "a#b", "a&b", "it's", '"a"', "'a'", "''", "a\\", "a\\'b", "\\(", "glob(*)", "é", "ü/日本",
    "👩‍👩‍👧", "a:b", "%a", "$", "$5", "a$", "a~", "./~a", "+a",
]  # fmt: skip


@pytest.mark.parametrize("path", VERBATIM)
def test_path_is_taken_as_it_is_typed(path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (job,) = compose_jobs(expand([CELL, *(f"{key}={path}" for key in path_keys())]))
    config = job.config
    assert {config.results_dir, config.data.root, config.data.folder} == {path}
    assert compose_run([CELL, f"results_dir={path}"]).results_dir == path
    assert expanded(path) == Path(path) or expanded(path) == tmp_path / path


@pytest.mark.parametrize("path", VERBATIM)
def test_every_command_reads_the_same_folder(path, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    config = compose_jobs(expand([CELL, f"results_dir={path}"]))[0].config
    folder = run_directory(config)
    folder.mkdir(parents=True)
    typed = read(Spec("report", keys=["results_dir"]), [f"results_dir={path}"]).values(["results_dir"])
    assert folder.is_relative_to(expanded(typed["results_dir"]))
    assert status([f"results_dir={path}"]) == 0
    printed = capsys.readouterr().out.partition("start with ")[2]
    assert shlex.split(printed) == ["gengap", "train", "+sweep=quickstart", f"results_dir={path}"]
    assert status([CELL, f"results_dir={path}", "seed=0,1"]) == 0
    printed = capsys.readouterr().out.rpartition("continue with: ")[2]
    assert shlex.split(printed) == ["gengap", "train", "-m", CELL, f"results_dir={path}", "seed=0,1"]


def test_home_and_environment_variables_are_expanded(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("SCRATCH", "/big disk/it's")
    for typed, meant in {
        "~": "/home/me",
        "~/a": "/home/me/a",
        "a/~/b": "a/~/b",
        "$HOME/a": "/home/me/a",
        "${SCRATCH}_1/$HOME": "/big disk/it's_1//home/me",
    }.items():
        assert expanded(typed) == Path(meant)
        (job,) = compose_jobs(expand([CELL, f"results_dir={typed}"]))
        assert job.directory.is_relative_to(meant)
        assert run_directory(compose_run(job.words)) == job.directory


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("$NOT_SET_ANYWHERE/a", "the environment variable NOT_SET_ANYWHERE is not set"),
        ("${NOT_SET_ANYWHERE}", "the environment variable NOT_SET_ANYWHERE is not set"),
        ("${workload.name}", "the environment variable workload.name is not set"),
        ("${", "can't be part of a path"),
        ("~nobody-of-this-name/a", "there is no home of ~nobody-of-this-name"),
        ("a\nb", "contains control characters"),
        ("a\0b", "contains control characters"),
        ("a\x1b[31m", "contains control characters"),
        ("\udcff", "bytes that are no text"),
        ("é" * 128, "has a name of 256 bytes: at most 255"),
    ],
)
def test_path_that_can_not_be_meant_is_one_line(path, problem):
    with pytest.raises(UserError) as error:
        expand([CELL, f"results_dir={path}"])
    assert str(error.value).startswith("results_dir=")
    assert problem in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("key", ["workload.name", "method.name", "protocol.name"])
@pytest.mark.parametrize(
    "name",
    ["../../x", "a/b", "/x", ".", "..", "...", " ", "a\\\\b", "a\nb", "a\tb", "a\0b", "é" * 128, "a<b",
     "a|b", "a:b", "a*", "a?", "\udcff", "\u2028"],
)  # fmt: skip
def test_name_that_can_not_be_a_folder_is_one_line(key, name):
    with pytest.raises(UserError) as error:
        compose_config([CELL, f"{key}={name}"])
    assert len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 250


def test_two_names_may_be_too_long_together():
    with pytest.raises(UserError, match="the name of the run's folder has a name of 309 bytes"):
        compose_config([CELL, f"workload.name={'a' * 150}", f"method.name={'b' * 149}"])


@pytest.mark.parametrize(
    "name", ["1e3", "true", "null", "1_0", "-.5", "inf", "007", "0x10", "a.b", "é", "a b", "a&#;!^`b"]
)
def test_a_name_stays_the_text_that_was_typed(name):
    assert compose_config([CELL, f"workload.name={name}"]).workload.name == name
    first, second = compose_jobs(expand([CELL, f"workload.name={name},other"]))
    assert (first.config.workload.name, second.config.workload.name) == (name, "other")
    assert run_name(first.config).startswith(f"{name}-lb-")


def test_recorded_folder_is_typed_again_as_it_was():
    config = compose_config([CELL, 'data.folder=my "é" & (1,2)'])
    record = {"workload": "digits_f1", "method": "lb", "config": as_dict(config), "seed": 0}
    assert 'data.folder=my "é" & (1,2)' in selection([record])


@pytest.mark.parametrize(
    "words",
    [
        ["method=lb", "method=sb"],
        [CELL, "+experiment=digits_sb"],
        [CELL, CELL],
        [CELL, "experiment=digits_lb"],
        [CELL, "workload=digits_f1", "workload=mnist_f1"],
        [CELL, "method=lb,sb", "method=lb_ra"],
        ["+sweep=quickstart", "+sweep=table1"],
        [CELL, "protocol=paper", "protocol=bigbatch"],
    ],
)
def test_choice_that_is_given_twice_is_refused(words):
    with pytest.raises(UserError) as error:
        expand(words)
    assert len(str(error.value).splitlines()) == 1


def test_key_that_other_commands_are_given_twice_is_refused():
    with pytest.raises(UserError, match="results_dir is given twice, results_dir=a and results_dir=b: leave"):
        read(Spec("report"), ["results_dir=a", "results_dir=b"]).values(["results_dir"])
