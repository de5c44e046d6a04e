"""The output of `--help`, `--version`, `--cfg job`, status and tab completion."""

import pytest
from omegaconf import OmegaConf

from gengap.__main__ import COMMANDS, main
from gengap.cli import completion
from gengap.cli.help import train_help
from gengap.cli.landscape import ABOUT
from gengap.cli.landscape import main as landscape
from gengap.cli.report import main as report
from gengap.cli.status import main as status
from gengap.cli.train import main as train
from gengap.config.compose import compose_config
from gengap.config.identity import as_dict
from gengap.config.keys import keys
from gengap.config.shipped import experiments
from gengap.errors import FAILED
from gengap.landscape.settings import KINDS, MODES
from gengap.landscape.typed import names


def test_train_help_lists_every_key_experiment_and_exit_code():
    shown = train_help()
    assert all(f"  {key}=" in shown for key in keys())
    words = shown.replace(",", " ").split()
    assert {*experiments(), "0", "1", "2", "75", "130"} <= set(words)
    (line,) = [x for x in shown.splitlines() if x.startswith("  method.lr_rule=")]
    assert line.split() == ["method.lr_rule=none", "none", "|", "sqrt", "|", "linear"]
    assert "  data.limit=null " in shown
    assert any(
        x.startswith("  runtime.threads=") and x.endswith("; in [1, 1024]") for x in shown.splitlines()
    )
    assert "A column of the tables; each switch also works alone." in shown


def test_landscape_help_explains_every_setting_of_a_kind(capsys):
    assert landscape(["--help"]) == 0
    shown = capsys.readouterr().out
    assert set(ABOUT) == set(KINDS)
    for kind in KINDS:
        assert f"\n{kind}: {ABOUT[kind]}\n" in shown
        assert landscape([kind, "seed=1", "--help"]) == 0
        own = capsys.readouterr().out
        assert own.startswith(f"usage: gengap landscape {kind} +experiment=NAME")
        listed = own.partition(f"\n{kind}: ")[2]
        assert [line.partition("=")[0].strip() for line in listed.splitlines()[1:]] == names(kind)
        assert listed in shown


def test_version(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["gengap", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("gengap ")


def test_the_configuration_is_printed_resolved(capsys):
    assert train(["+experiment=digits_lb_ra", "--cfg", "job", "seed=3"]) == 0
    expected = as_dict(compose_config(["+experiment=digits_lb_ra", "seed=3"]))
    assert OmegaConf.to_container(OmegaConf.create(capsys.readouterr().out)) == expected
    assert train(["+sweep=quickstart", "--cfg", "job"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("# the first of 15 runs: +experiment=digits_sb seed=0\n")
    assert OmegaConf.create(shown).method.lr_base_batch == 16


def test_status_accepts_the_arguments_of_train(tmp_path, capsys):
    words = [
        "-m",
        "+experiment=digits_lb",
        "method.batch_size=256,512",
        "seed=0,1",
        f"results_dir={tmp_path}",
    ]
    assert status(words) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [row.split()[-1] for row in shown[1:3]] == ["2", "2"]
    assert shown[-1] == f"continue with: gengap train {' '.join(words)}"


def test_status_of_an_empty_folder_suggests_a_command(tmp_path, capsys):
    assert status([f"results_dir={tmp_path}", "data.root=elsewhere", "runtime.threads=1"]) == 0
    command = f"gengap train +sweep=quickstart results_dir={tmp_path}"
    empty = f"no runs in {tmp_path} yet (a run appears with its first update)"
    assert capsys.readouterr().out == f"{empty}: start with {command}\n"


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("mien", "mien does not exist: did you mean results_dir=mine?"),
        ("other", "other does not exist: to begin, type gengap train +sweep=quickstart results_dir=other"),
        ("mine/runs", "mine/runs is inside a results directory: type results_dir=mine"),
    ],
)
def test_status_and_report_of_a_wrong_folder_name_the_right_one(typed, answer, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    record = tmp_path / "mine" / "runs" / "digits_f1-lb-0" / "seed0" / "run.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    status([f"results_dir={typed}"])
    assert capsys.readouterr().out == f"{answer}\n"
    assert report([f"results_dir={typed}"]) == FAILED
    assert capsys.readouterr().err == f"{answer}\n"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("gengap st", ["status"]),
        ("gengap train +experiment=digits_lb_g", ["+experiment=digits_lb_gbn"]),
        ("gengap status +sweep=quick", ["+sweep=quickstart"]),
        ("gengap train method=lb_r", ["method=lb_ra"]),
        ("gengap train +experiment=digits_lb precision=", ["precision=fp32", "precision=bf16"]),
        ("gengap train runtime.mi", ["runtime.micro_batch="]),
        ("gengap train runtime.g", ["runtime.graph=true", "runtime.graph=false"]),
        ("gengap train --m", ["--multirun"]),
        ("gengap train -m hydra/launcher=j", ["hydra/launcher=joblib"]),
        ("gengap train --cfg jo", ["job"]),
        ("gengap train --info sea", ["searchpath"]),
        ("gengap status --c", ["--config-dir", "--cost"]),
        ("gengap train --conf", ["--config-dir"]),
        ("gengap plan optimizer=a", ["optimizer=adam"]),
        ("gengap report res", ["results_dir="]),
        ("gengap bench workload=mnist", ["workload=mnist_f1"]),
        ("gengap bench method=lb_r", ["method=lb_ra"]),
        ("gengap bench precision=", ["precision=fp32", "precision=bf16"]),
        ("gengap bench data.", ["data.root=", "data.folder="]),
        ("gengap bench r", ["rounds=", "ranks=", "results_dir="]),
        ("gengap bench p", ["precision=fp32", "precision=bf16", "peers="]),
        ("gengap bench hes", ["hessian="]),
        ("gengap bench sam", ["samples="]),
        ("gengap plan sm", ["small_batch="]),
        ("gengap train experiment=digits_lb_g", ["experiment=digits_lb_gbn"]),
        ("gengap train -m +experiment=digits_sb,digits_lb_g", ["+experiment=digits_sb,digits_lb_gbn"]),
        ("gengap train -m precision=fp32,b", ["precision=fp32,bf16"]),
        ("gengap landscape sh", ["sharpness"]),
        ("gengap landscape sharpness batch_norm=", [f"batch_norm={m}" for m in MODES]),
        ("gengap landscape sharpness batch_norm=trained,b", ["batch_norm=trained,batch"]),
        ("gengap landscape line pa", ["path=linear", "path=curved"]),
        ("gengap landscape line +experiment=digits_lb_g", ["+experiment=digits_lb_gbn"]),
        ("gengap landscape line --m", ["--multirun"]),
        ("gengap landscape nothing s", []),
        ("gengap nothing ", []),
    ],
)
def test_completion(typed, offered, monkeypatch, capsys):
    monkeypatch.setenv("COMP_LINE", typed)
    completion.complete(["query=bash"], COMMANDS)
    assert capsys.readouterr().out.split() == offered


def test_completion_of_folders(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "mixed"):
        (tmp_path / name).mkdir()
    (tmp_path / "minutes.txt").touch()
    for line, offered in (
        ("gengap train results_dir=mi", ["results_dir=mine/", "results_dir=mixed/"]),
        (f"gengap status data.root={tmp_path}/min", [f"data.root={tmp_path}/mine/"]),
        ("gengap train --config-dir m", ["mine/", "mixed/"]),
    ):
        monkeypatch.setenv("COMP_LINE", line)
        completion.complete(["query=bash"], COMMANDS)
        found = capsys.readouterr().out.split()
        assert [word for word in found if "/" in word] == offered
