"""A bad experiment of the user's own stops only the commands that ask for it."""

from pathlib import Path

import pytest
from report_records import Store

from gengap.cli.report import main as report
from gengap.cli.status import main as status
from gengap.config import conf, shipped
from gengap.errors import UserError
from gengap.report import places
from gengap.report.cells import read_records

HEADER = b"# @package _global_\n"
CHOICES = b"defaults:\n  - override /workload: digits_f1\n  - override /method: lb\n"
BAD = {
    "callbacks": (HEADER + b"hydra: {callbacks: {x: 1}}\n", "hydra: callbacks: can't be set here"),
    "syntax": (HEADER + b"seed: [1\n", "not valid YAML in line 3"),
    "key": (HEADER + CHOICES + b"sed: 3\n", "unknown key sed: did you mean seed?"),
    "list": (b"- a\n", "it must be a mapping of keys"),
    "bytes": (b"\xff\xfe\xfa", "can't be read as YAML"),
    "rule": (HEADER + CHOICES + b"workload: {milestones: []}\n", "workload.lr has 2 values"),
}


def forget():
    conf.names_in.cache_clear()
    for cached in (shipped.all_choices, shipped.cells, shipped.experiment_config, places._cells):
        cached.cache_clear()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Writes experiments below the current folder, of which `digits_x` is good; returns the arguments."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(conf, "_added", [])
    forget()

    def write(content):
        files = tmp_path / "own" / "experiment"
        files.mkdir(parents=True)
        (files / "x.yaml").write_bytes(HEADER + CHOICES + b"workload: {epochs: 40}\n")
        (files / "bad.yaml").write_bytes(content)
        store = Store(tmp_path / "mine")
        store.add_with("workload.epochs=40", "digits_lb", 0, 90.0)
        store.add("digits_lb", 0, 91.0)
        return ["--config-dir", "own", "results_dir=mine"]

    yield write
    forget()


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize(("content", "reason"), BAD.values(), ids=BAD)
def test_report_and_status_name_a_bad_experiment_and_go_on(content, reason, folder, caplog, capsys):
    words = folder(content)
    line = f"gengap: own/experiment/bad.yaml is ignored: {reason}"
    assert report(words) == 0
    assert [message[: len(line)] for message in caplog.messages] == [line]
    out = capsys.readouterr().out
    assert out.startswith("mine/report: 2 runs reported")
    assert report([*words, "--check"]) == 0
    assert status(words) == 0
    assert len(caplog.messages) == 1
    assert "workload.epochs=40" in capsys.readouterr().out


def test_a_command_that_asks_for_it_ends_with_the_mistake(folder):
    words = folder(BAD["key"][0])
    with pytest.raises(UserError, match=r"own/experiment/bad.yaml: unknown key sed"):
        status([*words, "+experiment=bad"])
    assert status([*words, "+experiment=x"]) == 0


def test_an_own_experiment_does_not_stand_for_the_shipped_cell(folder):
    folder(BAD["list"][0])
    conf.add_config_dirs(["own"])
    assert shipped.cells()["digits_f1", "lb"] == "digits_lb"
    assert "x" in shipped.all_choices()


def test_an_own_cell_that_contradicts_the_released_protocol_leaves_the_report_whole(folder, tmp_path):
    words = folder(BAD["list"][0])
    own = tmp_path / "own"
    (own / "workload").mkdir()
    (own / "workload" / "tiny.yaml").write_bytes(b"defaults: [digits_f1, _self_]\nname: tiny\n")
    (own / "experiment" / "tiny_lb.yaml").write_bytes(
        HEADER
        + CHOICES.replace(b"digits_f1", b"tiny")
        + b"method: {earlier_batches: [128], batch_milestones: [1]}\n"
    )
    store = Store(tmp_path / "mine")
    store.add_with("protocol=bigbatch", "digits_sb", 0, 93.0)
    conf.add_config_dirs(["own"])
    store.add("tiny_lb", 0, 94.0)
    assert report(words) == 0
    assert "| tiny | ours |" in (tmp_path / "mine" / "report" / "README.md").read_text()


def test_a_shipped_experiment_is_the_cell_that_one_s_own_claims_too(folder):
    folder(HEADER + CHOICES + b"workload: {epochs: 30}\n")
    Path("own/experiment/x.yaml").rename("own/experiment/digits_f1_lb.yaml")
    conf.add_config_dirs(["own"])
    records = read_records(Path("mine"))
    (cell,), (variant,) = records.cells.values(), records.variants
    assert (cell.experiment, cell.accuracies) == ("digits_lb", [91.0])
    assert (variant.experiment, variant.accuracies) == ("digits_f1_lb", [90.0])
    assert places.experiment_of("digits_f1", "lb") == "digits_lb"
