"""Folders of a user's own beside conf/: --config-dir and hydra.searchpath, in every command that composes."""

import pytest

from gengap.cli.status import main as status
from gengap.cli.train import main as train
from gengap.config import conf
from gengap.config.compose import compose_config
from gengap.config.shipped import choices, experiment_config, experiments
from gengap.config.sweep import expand
from gengap.errors import UserError

FILES = {
    "experiment/tiny_lb.yaml": "defaults:\n  - override /workload: tiny\n  - override /method: lb\n",
    "workload/tiny.yaml": "defaults: [digits_f1, _self_]\nworkload: {name: tiny, epochs: 4}\n",
    "sweep/both.yaml": "hydra: {sweeper: {params: {+experiment: 'tiny_lb,digits_lb', seed: '0,1'}}}\n",
}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with an experiment, a workload and a sweep; a blank and a quote are in its name."""
    folder = tmp_path / "my conf"
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# @package _global_\n{text}")
    monkeypatch.setattr(conf, "_added", [])
    yield folder
    conf.names_in.cache_clear()


@pytest.mark.parametrize("flag", ["--config-dir", "-cd", "hydra.searchpath"])
def test_own_experiments_are_composed_beside_the_shipped_ones(flag, own, capsys):
    words = [f"hydra.searchpath=[file://{own}]"] if flag == "hydra.searchpath" else [flag, str(own)]
    assert train([*words, "experiment=tiny_lb", "--cfg", "job"]) == 0
    assert "  name: tiny\n" in capsys.readouterr().out
    assert {"tiny_lb", "digits_lb"} <= set(experiments())
    assert choices("tiny_lb") == ("tiny", "lb")
    assert experiment_config("tiny_lb") == compose_config(["+experiment=tiny_lb"])
    experiment_config.cache_clear()


@pytest.mark.parametrize("as_searchpath", [False, True])
def test_own_sweeps_are_expanded_and_their_status_shown(as_searchpath, own, tmp_path, capsys):
    conf.add_config_dirs([own])
    assert expand(["sweep=both"]) == [
        (f"+experiment={name}", f"seed={seed}") for name in ("tiny_lb", "digits_lb") for seed in (0, 1)
    ]
    folder = [f"hydra.searchpath=[{own}]"] if as_searchpath else ["--config-dir", str(own)]
    assert status([*folder, "sweep=both", f"results_dir={tmp_path}"]) == 0
    command = capsys.readouterr().out.splitlines()[-1]
    assert command == f"continue with: gengap train --config-dir '{own}' sweep=both results_dir={tmp_path}"


def test_the_command_for_several_runs_keeps_the_folder(own):
    with pytest.raises(UserError) as refused:
        train(["--config-dir", str(own), "+experiment=tiny_lb", "seed=5,6"])
    assert str(refused.value).endswith(
        f"type gengap train -m --config-dir '{own}' +experiment=tiny_lb seed=5,6"
    )


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UserError, match="is not a folder"):
        train(["--config-dir", str(tmp_path / "absent"), "+experiment=digits_lb"])


@pytest.mark.parametrize(("part", "shows"), [("hydra", "hydra:\n  run:\n"), ("all", "\nmodel:\n")])
def test_hydra_s_settings_are_shown(part, shows, capsys):
    assert train(["+experiment=digits_lb", f"--cfg={part}", "--resolve"]) == 0
    assert shows in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "shows"),
    [
        (["+experiment=digits_lb", "--info", "searchpath"], "pkg://hydra.conf"),
        (["--info", "searchpath"], "pkg://hydra.conf"),
        (["--info", "plugins"], "Installed Hydra Plugins"),
        (["--info=defaults"], "protocol/paper"),
        (["+experiment=digits_lb", "--info"], "Installed Hydra Plugins"),
        (["--info", "+experiment=digits_lb"], "Installed Hydra Plugins"),
        (["-i", "defaults-tree", "workload=digits_f1"], "workload: digits_f1"),
    ],
)
def test_info_is_hydra_s(words, shows, capfd):
    assert train(words) == 0
    assert shows in capfd.readouterr().out


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--cfg", "job", "-p", "data"], "# @package data\nname: digits\n"),
        (["--cfg", "job", "--package=workload.lr"], "# @package workload.lr\n- 0.05\n- 0.005\n"),
        (["--cfg", "job", "-p", "seed"], "0\n"),
        (["--cfg", "all", "-p", "hydra.sweep"], "# @package hydra.sweep\ndir: .\nsubdir: .\n"),
    ],
)
def test_package_shows_a_part_as_hydra_does(words, shown, capsys):
    assert train(["+experiment=digits_lb", *words]) == 0
    assert capsys.readouterr().out.startswith(shown)


def test_hydra_s_settings_need_nothing_to_train(capsys):
    assert train(["--cfg", "hydra"]) == 0
    assert capsys.readouterr().out.startswith("hydra:\n  run:\n")
    assert train(["--cfg", "hydra", "-p", "hydra.launcher", "hydra/launcher=joblib"]) == 0
    assert "JoblibLauncher" in capsys.readouterr().out
