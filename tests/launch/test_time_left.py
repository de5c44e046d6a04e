"""The time left of a sweep, from records of this machine or from updates timed now."""

import json
import signal
import subprocess
import sys

import pytest

from gengap.cli.status import main as status
from gengap.cli.train import main as train
from gengap.config.identity import as_dict, run_directory
from gengap.config.sweep import Job
from gengap.errors import MISTAKE, UNFINISHED, UserError
from gengap.launch import time_left, timed
from gengap.launch.time_left import cell_line, cells_left, in_all
from gengap.regime import build_regime
from gengap.runs.checkpoint import save_checkpoint
from gengap.runs.speed import Speed, machine
from tests.photographs import write_photographs
from tests.records import record, row

HERE = {"device": "cpu", "name": machine("cpu")[1], "threads": 2}


@pytest.fixture(autouse=True)
def only_its_own_records(tmp_path, monkeypatch):
    monkeypatch.setattr(time_left, "CONF", tmp_path / "conf")  # beside which the shipped ones are


def write(config, *, images_per_second: float, hardware=HERE, done: int = 4, **fields):
    """A record of a run that has made one epoch per update."""
    directory = run_directory(config)
    directory.mkdir(parents=True)
    made = record(as_dict(config), 10, digest=directory.parent.name[-8:], hardware=hardware, **fields)
    (directory / "run.json").write_text(json.dumps(made))
    found = row(done, epoch=done, seconds=done * 1437 / images_per_second)
    (directory / "metrics.jsonl").write_text(json.dumps(found) + "\n")
    return directory


def test_the_time_is_images_left_by_the_speed_of_the_cell(digits):
    configs = [digits("lb", "runtime.device=cpu", f"seed={seed}") for seed in range(3)]
    save_checkpoint(write(configs[0], images_per_second=100.0, done=3), {"done": 3})
    write(configs[1], images_per_second=300.0, status="failed")
    (cell,) = cells_left([Job((), config) for config in configs])
    updates = build_regime(configs[0], 1437).updates
    assert cell.runs == 3
    assert cell.speed.rate == 200.0  # the median
    assert cell.seconds == pytest.approx(512 * (updates - 3 + updates - 4 + updates) / 200.0)


def test_finished_runs_take_no_time(digits):
    config = digits("lb")
    write(config, images_per_second=1.0, status="diverged")
    assert cells_left([Job((), config)]) == []


@pytest.mark.parametrize(
    ("words", "rate"),
    [
        (["lb", "protocol=bigbatch"], 30.0),  # of the same batch size
        (["sb"], 20.0),
        (["lb", "precision=bf16"], None),
        (["lb", "model.options.width=7"], None),
    ],
)
def test_the_closest_record_counts(words, rate, digits):
    write(digits("lb_lr"), images_per_second=30.0)
    write(digits("lb_gbn"), images_per_second=20.0)
    if words == ["sb"]:
        write(digits("lb_ra"), images_per_second=15.0)
        rate = 20.0  # the median of three of other sizes
    (cell,) = cells_left([Job((), digits(*words, "seed=1", "runtime.device=cpu"))])
    assert (cell.speed and cell.speed.rate) == rate
    assert (cell.seconds is None) == (rate is None)


@pytest.mark.parametrize(
    "changes",
    [
        {"hardware": HERE | {"name": "another"}},
        {"hardware": HERE | {"device": "cuda"}},
        {"hardware": HERE | {"ranks": 2}},
        {"earlier": [{"hardware": HERE | {"name": "another"}}]},
    ],
)
def test_a_record_of_another_machine_or_of_several_ranks_says_nothing(changes, digits):
    write(digits("lb"), images_per_second=30.0, **changes)
    (cell,) = cells_left([Job((), digits("lb", "seed=1", "runtime.device=cpu"))])
    assert cell.seconds is None


@pytest.mark.parametrize("shipped", [True, False])
def test_the_time_says_whether_a_record_is_one_of_gengap_s_own(shipped, digits, tmp_path):
    folder = tmp_path / "results" if shipped else tmp_path / "mine"
    directory = write(digits("lb", f"results_dir={folder}"), images_per_second=30.0)
    asked = digits("lb", "seed=1", "runtime.device=cpu", f"results_dir={tmp_path / 'mine'}")
    (cell,) = cells_left([Job((), asked)])
    name = f"{directory.parent.name}/seed0"
    assert cell.speed.seen == (f"gengap's record {name}" if shipped else name)


def test_a_data_set_of_unknown_size_is_that_of_its_records(digits):
    config = digits("lb", "data.name=own:data")
    write(config, images_per_second=100.0, data={"train": 1024, "validation": 10})
    (cell,) = cells_left([Job((), digits("lb", "data.name=own:data", "seed=1", "runtime.device=cpu"))])
    assert cell.seconds == pytest.approx(512 * build_regime(config, 1024).updates / cell.speed.rate)


def test_the_money_is_that_of_the_hours_known(digits):
    cells = [
        time_left.Cell("a", 2, 5400.0, Speed(1234.5, "a/seed0")),
        time_left.Cell("b", 1, 1800.0, Speed(0.25, "b/seed1")),
        time_left.Cell("c", 1, None, None),
    ]
    said = [*map(cell_line, cells[:2]), *in_all(cells, "why", 2.5)]
    assert said == [
        "a: 2 runs, about 1.5 h (1,234 images/s, a/seed0)",
        "b: 1 run, about 30 min (0.25 images/s, b/seed1)",
        "in all: at least about 2.0 h on one device, 5.00 at 2.5 per device-hour, and 1 cell not known",
        "time of 1 cell not known: why",
    ]
    assert list(in_all(cells[:2], "why")) == ["in all: about 2.0 h on one device"]
    assert list(in_all(cells[2:], "why", 2.5)) == ["time of 1 cell not known: why"]


def test_status_measures_where_asked_to(tmp_path, capsys):
    words = ["+experiment=digits_lb", "seed=0,1", "runtime.device=cpu", f"results_dir={tmp_path}"]
    assert status(words) == 0
    missing = "time of 1 cell not known: no record of a similar run on a device of this name"
    missing += "; add --estimate to measure"
    assert missing in capsys.readouterr().out
    assert status([*words, "--estimate", "--cost=2"]) == 0
    said = capsys.readouterr().out
    assert ": 2 runs, about " in said
    assert " images/s, measured now in " in said
    assert " at 2 per device-hour" in said
    assert list(tmp_path.iterdir()) == []


def test_photographs_without_a_record_are_counted_where_they_are(tmp_path, capsys):
    write_photographs(tmp_path, cut=())
    words = ["+experiment=photographs_sb", f"data.root={tmp_path}", f"results_dir={tmp_path / 'r'}"]
    words += ["runtime.device=cpu", "runtime.workers=0", "--estimate"]
    assert status([*words, "data.folder=imagenet"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if " images/s, measured now in " in line)
    assert line.startswith("  photographs_c1-sb-")
    assert status([*words, "data.folder=nowhere"]) == MISTAKE
    assert f": not measured: no images in {tmp_path}/nowhere/train: " in capsys.readouterr().out


def two_cells(digits, tmp_path):
    """The words of two cells, of which one has a record."""
    write(digits("lb", "runtime.device=cpu"), images_per_second=100.0)
    words = ["-m", "+experiment=digits_lb", "precision=bf16,fp32", "seed=1"]
    return [*words, "runtime.device=cpu", f"results_dir={tmp_path}", "--estimate"]


def test_cells_with_a_record_come_first_and_only_the_others_are_measured(
    digits, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(
        "gengap.launch.timed.timed", lambda config: (Speed(50.0, f"now in {config.precision}"), 1437)
    )
    assert status(two_cells(digits, tmp_path)) == 0
    said = capsys.readouterr()
    found = [line.partition("(")[2] for line in said.out.splitlines() if ": 1 run, about " in line]
    assert [line.partition(" ")[0] for line in found] == ["100", "50"]
    assert found[1] == "50 images/s, now in bf16)"
    assert "  in all: about " in said.out
    first, second = said.err.splitlines()
    assert first.startswith("gengap: measuring 1 cell here, ")
    assert second.endswith(" (1 of 1)")


def test_a_cell_that_cant_be_measured_leaves_the_others(digits, tmp_path, monkeypatch, capsys):
    def refuse(_):
        raise UserError("no data here")

    monkeypatch.setattr("gengap.launch.timed.timed", refuse)
    assert status(two_cells(digits, tmp_path)) == MISTAKE
    said = capsys.readouterr().out
    assert ": not measured: no data here\n" in said
    assert "  in all: at least about " in said
    assert "  time of 1 cell not known: not measured" in said
    assert "continue with: gengap train" in said


def test_ctrl_c_while_measuring_sums_up_what_is_known(digits, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("gengap.launch.timed.timed", lambda _: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        status(two_cells(digits, tmp_path))
    *_, total, missing = capsys.readouterr().out.splitlines()
    assert total.startswith("  in all: at least about ")
    assert missing == "  time of 1 cell not known: not measured"


@pytest.mark.parametrize(
    ("words", "passes"), [([], 1), (["method.adversarial=0.1"], 2), (["method.proximal=1"], 3)]
)
def test_convolutions_on_a_cpu_are_measured_on_a_part_of_a_batch(words, passes, digits, monkeypatch):
    monkeypatch.setattr(timed, "measured_rate", lambda _, samples: 60.0 * samples)
    network = ["model.name=tests.networks:convolutional", "evaluations=1", "runtime.device=cpu"]
    config = digits("lb_gbn", *network, *words)
    monkeypatch.setattr(timed, "FORWARD", 0)
    ghost = config.method.ghost_size
    expected = Speed(60.0 * ghost / passes, f"measured now on {ghost} of the 512 images of a batch")
    assert timed.timed(config) == (expected, 1437)


def test_a_sweep_says_it_before_it_begins(digits, tmp_path, caplog):
    caplog.set_level("INFO")
    write(digits("lb"), images_per_second=1.0)
    words = ["-m", "+experiment=digits_lb,digits_sb", "seed=0,1", "precision=bf16,fp32", "runtime.device=cpu"]
    began = 0.0  # so that the time budget is used up before the first run
    words += ["runtime.time_budget=1", "--cost=3600", f"results_dir={tmp_path}"]
    assert train(words, began) == UNFINISHED
    cells = [line for line in caplog.messages if ": 2 runs, about " in line]
    assert [line.partition("-")[0] for line in cells] == ["gengap: digits_f1"] * 2
    total, known = caplog.messages[-3], [digits(m, f"seed={k}") for m in ("lb", "sb") for k in range(2)]
    seconds = sum(cell.seconds for cell in cells_left([Job((), config) for config in known]))
    assert total.startswith("gengap: in all: at least about ")
    assert f", {seconds:,.2f} at 3600 per device-hour, and 2 cells not known" in total
    assert caplog.messages[-2].startswith("gengap: time of 2 cells not known: no record of a similar run ")
    assert caplog.messages[-2].endswith("; to measure, type gengap status with the same words and --estimate")


@pytest.mark.parametrize("cost", ["much", "-1", "nan", "inf"])
def test_a_price_is_a_number(cost, tmp_path):
    with pytest.raises(UserError, match=f"--cost={cost} is no price of a device-hour"):
        status(["+experiment=digits_lb", f"--cost={cost}", f"results_dir={tmp_path}"])
    with pytest.raises(UserError, match=f"--cost={cost} is no price of a device-hour"):
        train(["+experiment=digits_lb", f"--cost={cost}", f"results_dir={tmp_path}"])
    with pytest.raises(UserError, match=r"add \+sweep=NAME"):
        status(["--cost=2"])


def test_without_measuring_torch_is_not_imported(tmp_path):
    probe = (
        "import sys; from gengap.cli.status import main\n"
        f"main(['+sweep=quickstart', '--cost=2', 'results_dir={tmp_path}'])\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)
