"""gengap.load and gengap.train: what a program or a notebook calls."""

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

import gengap
from gengap.config.identity import run_directory
from gengap.data.digits import digits as digits_source
from gengap.errors import UserError
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome

SHORT = ("workload.epochs=4", "workload.milestones=[3]", "runtime.threads=1")
CELL = ("+experiment=digits_lb_gbn", *SHORT)


def test_import_needs_neither_torch_nor_hydra():
    probe = "import sys; from gengap import load, train; assert not {'torch', 'hydra'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", probe], check=True)


@pytest.fixture
def test_pixels() -> tuple[torch.Tensor, torch.Tensor]:
    """The test split of the digits: pixels (N, 1, 8, 8) uint8 and labels (N,)."""
    split = digits_source(Path()).test
    return torch.from_numpy(split.images).permute(0, 3, 1, 2), torch.from_numpy(split.labels)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_loaded_network_has_the_recorded_accuracy(precision, tmp_path, test_pixels):
    record = gengap.train(*CELL, f"precision={precision}", "runtime.keep_weights=true", results_dir=tmp_path)
    (directory,) = tmp_path.glob("runs/*/seed0")
    drawn = torch.get_rng_state()
    model = gengap.load(directory)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert not any(module.training for module in model.modules())
    assert {p.device.type for p in model.parameters()} == {"cpu"}
    pixels, labels = test_pixels
    with torch.no_grad():
        logits, from_floats = model(pixels), model(pixels.double() / 255)
    assert logits.dtype == torch.float32
    accuracy = 100 * (logits.argmax(1) == labels).double().mean().item()
    assert accuracy == pytest.approx(record["summary"]["last_val_accuracy"], abs=1e-4)
    torch.testing.assert_close(from_floats, logits, rtol=0, atol=1e-4 if precision == "fp32" else 0.1)


@pytest.fixture
def trained(digits):
    """The directory of a finished run with its weights."""

    def make(*words):
        config = digits("lb_gbn", *SHORT, "runtime.keep_weights=true", *words)
        assert execute(config) == Outcome.FINISHED
        return run_directory(config)

    return make


@pytest.mark.parametrize(
    ("pixels", "problem"),
    [
        (torch.zeros(8, 8), r"\(B, 1, H, W\)"),
        (torch.zeros(2, 3, 8, 8), r"\(B, 1, H, W\)"),
        (torch.zeros(2, 1, 8, 8, dtype=torch.int64), "uint8"),
        (torch.full((2, 1, 8, 8), 255.0), "got 255 to 255: divide pixels in 0..255 by 255"),
        (torch.tensor([-0.5, 0.5]).repeat(2, 1, 8, 4), "got -0.5 to 0.5: .* do not normalize them"),
    ],
)
def test_pixels_of_another_kind_are_refused(pixels, problem, trained):
    with pytest.raises(ValueError, match=problem):
        gengap.load(trained())(pixels)


def test_images_of_another_size_are_one_line(trained):
    with pytest.raises(ValueError, match="can't take images of 9x8: pass them as large as") as error:
        gengap.load(trained())(torch.zeros(2, 1, 9, 8))
    assert "\n" not in str(error.value)


def test_pixels_are_in_range_up_to_rounding_and_unchecked_where_torch_compiles(trained):
    model = gengap.load(trained())
    pixels = torch.ones(2, 1, 8, 8)
    assert torch.equal(model(pixels), model((255 * pixels).byte()))
    assert model((1.004 * pixels).bfloat16()).shape == model(1.004 * pixels).shape == (2, 10)
    assert model(pixels[:0]).shape == (0, 10)
    torch.testing.assert_close(torch.export.export(model, (pixels,)).module()(pixels), model(pixels))


def test_record_from_before_data_classes_still_loads(trained):
    directory = trained()
    record = json.loads((directory / "run.json").read_text())
    assert record["data"].pop("classes") == 10
    (directory / "run.json").write_text(json.dumps(record))
    assert gengap.load(str(directory))(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    record["config"]["data"]["name"] = "own:data"
    (directory / "run.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match='add "classes": N'):
        gengap.load(directory)


def test_own_network_is_imported_from_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "networks_of_api_test.py").write_text(
        "from torch import nn\n"
        "def linear(*, num_classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))\n"
    )
    words = (*CELL, "runtime.keep_weights=true", "model.name=networks_of_api_test:linear")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    gengap.train(*words)
    (directory,) = Path("results").glob("runs/*/seed0")
    del sys.modules["networks_of_api_test"]
    assert gengap.load(directory).network[1].out_features == 10
    assert "" not in sys.path


def test_run_without_weights_says_what_keeps_them(digits, tmp_path):
    for words in ((), SHORT):
        config = digits("lb_gbn", "runtime.threads=1", *words)
        execute(config)
        with pytest.raises(
            UserError, match="has no weights.pt: name another results_dir, or delete this"
        ) as error:
            gengap.load(run_directory(config))
        assert str(error.value).endswith(
            "the command that trained it, with runtime.keep_weights=true"
            if words
            else "gengap train workload=digits_f1 method=lb_gbn protocol=paper precision=fp32 seed=0 "
            f"results_dir={tmp_path} runtime.keep_weights=true"
        )


def test_what_can_t_be_loaded_is_said_in_one_line(trained, tmp_path):
    with pytest.raises(UserError, match=r"has no run.json: name a run's folder"):
        gengap.load(tmp_path)
    directory = trained()
    torch.save({"1.weight": torch.zeros(3)}, directory / "weights.pt")
    with pytest.raises(UserError, match=r"weights.pt"):
        gengap.load(directory)
    record = json.loads((directory / "run.json").read_text())
    del record["weights_sha256"]  # as in the records of older versions
    (directory / "run.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"weights.pt can't be loaded into model.name=f1: .*Missing") as error:
        gengap.load(directory)
    assert "\n" not in str(error.value)
    record = json.loads((directory / "run.json").read_text()) | {"status": "diverged"}
    (directory / "run.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match="has not finished"):
        gengap.load(directory)


def test_train_returns_the_record_and_trains_once(tmp_path, monkeypatch):
    drawn = torch.get_rng_state()
    record = gengap.train(*CELL, "seed=3", results_dir=tmp_path)
    assert torch.equal(torch.get_rng_state(), drawn)
    (file,) = tmp_path.glob("runs/digits_f1-lb_gbn-*/seed3/run.json")
    assert record == json.loads(file.read_text())
    assert (record["status"], record["seed"]) == ("finished", 3)
    monkeypatch.setattr("gengap.launch.execute.fit", lambda *_: pytest.fail("trained again"))
    assert gengap.train(*CELL, "seed=3", f"results_dir={tmp_path}") == record


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "gengap train --help"),
        (("+experiment=digits_lb", "sed=3"), "did you mean seed"),
        (("+experiment=digits_lb", "seed=0,1"), "one run, not the 2 of"),
        (("+sweep=quickstart",), "one run, not the 15 of"),
        ((["+experiment=digits_lb", "seed=3"],), r"unpack the list, train\(\*\['"),
        (({"experiment": "digits_lb"},), r"words such as .* not {'experiment': 'digits_lb'}"),
        (("-m", "+experiment=digits_lb"), "takes no -m"),
        (("--config-dir=own", "+experiment=digits_lb"), "give the folder as config_dir=DIR"),
        (("hydra.searchpath=[own]", "+experiment=digits_lb"), "give the folder as config_dir=DIR"),
        (("+experiment=digits_lb", "hydra/launcher=joblib"), "takes no hydra/launcher"),
        (("+experiment=digits_lb", "method.batch_size=2048"), "more than the 1437 training samples"),
    ],
)
def test_mistake_in_train_is_raised(words, problem, tmp_path):
    with pytest.raises(UserError, match=problem):
        gengap.train(*words, results_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_keywords_are_keys_and_win_over_words(tmp_path):
    record = gengap.train(
        *CELL, "seed=1", seed=3, results_dir=tmp_path, **{"workload.lr": [0.1, 0.02], "data.limit": None}
    )
    config = record["config"]
    assert (record["seed"], config["workload"]["lr"], config["data"]["limit"]) == (3, [0.1, 0.02], None)
    with pytest.raises(UserError, match="unknown key sed: did you mean seed"):
        gengap.train(experiment="digits_lb", sed=3)


def test_a_folder_of_one_s_own_counts_for_its_call_only(tmp_path):
    for epochs in (1, 2):
        file = tmp_path / str(epochs) / "experiment" / "own.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(
            "# @package _global_\n"
            "defaults: [{override /workload: digits_f1}, {override /method: lb}]\n"
            f"workload: {{epochs: {epochs}, lr: [0.1], milestones: []}}\n"
        )
        record = gengap.train("+experiment=own", config_dir=tmp_path / str(epochs), results_dir=tmp_path)
        assert record["config"]["workload"]["epochs"] == epochs
    with pytest.raises(UserError, match="unknown experiment 'own'"):
        gengap.train("+experiment=own")
    with pytest.raises(UserError, match="is not a folder"):
        gengap.train("+experiment=own", config_dir=tmp_path / "absent")


def test_a_workload_of_one_s_own_fits_another_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("perceptron.py").write_text(
        "from torch import nn\n\n\n"
        "def linear(num_classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))\n"
    )
    Path("own/workload").mkdir(parents=True)
    Path("own/workload/mine.yaml").write_text(
        "# @package _global_\ndefaults: [digits_f1]\nworkload: {name: mine}\nmodel: {options: {width: 17}}\n"
    )
    words = ("workload=mine", "method=lb", "model.name=perceptron:linear")
    short = {"workload.epochs": 2, "workload.milestones": [1]}
    record = gengap.train(*words, config_dir="own", results_dir=tmp_path / "r", **short)
    assert record["parameters"] == 65 * 10


def test_error_of_a_failed_run_is_the_cause(tmp_path, monkeypatch):
    monkeypatch.setattr("gengap.launch.execute.fit", lambda *_: 1 / 0)
    with pytest.raises(UserError, match="ZeroDivisionError: division by zero") as error:
        gengap.train(*CELL, results_dir=tmp_path)
    assert isinstance(error.value.__cause__, ZeroDivisionError)


def test_train_in_a_thread_leaves_signals_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: pytest.fail("handler set"))
    with ThreadPoolExecutor(1) as pool:
        record = pool.submit(gengap.train, *CELL, results_dir=tmp_path).result()
    assert record["status"] == "finished"


def test_ctrl_c_is_passed_on_after_the_run_is_saved(tmp_path, monkeypatch):
    from gengap.training.trainer import Trainer

    train_step = Trainer.train_step

    def interrupted(self, update):
        train_step(self, update)
        if update == 3:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            gengap.train(*CELL, results_dir=tmp_path)
    assert list(tmp_path.glob("runs/*/seed0/checkpoint.pt"))
    assert gengap.train(*CELL, results_dir=tmp_path)["status"] == "finished"


def test_one_of_several_ranks_is_refused(monkeypatch, tmp_path):
    for name in ("RANK", "LOCAL_RANK"):
        monkeypatch.setenv(name, "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("MASTER_PORT", "1")
    with pytest.raises(UserError, match="this is one of 2: type torchrun -m gengap train"):
        gengap.train(experiment="digits_lb", results_dir=tmp_path)
