"""`gengap plan noise_scale=`: the trade-off of McCandlish et al. 2018, from a number or a record."""

import json
from pathlib import Path

import pytest

from gengap.cli import plan
from gengap.errors import UserError
from gengap.landscape.settings import KINDS
from gengap.plan.noise_scale import KEY, KIND, NoiseScale, noise_note, read_noise_scale
from gengap.runs.measurements import measurement_file
from tests.plan.words import TYPED, replaced, values

RECORD = {
    "format": 1,
    "status": "finished",
    "kind": "walk",
    "run": "digits_f1-lb-0a1b2c3d",
    "seed": 0,
    "config": {
        "walk": {},
        "workload": {"name": "digits_f1", "epochs": 30},
        "method": {"name": "lb", "batch_size": 512},
        "protocol": {"name": "paper"},
        "precision": "fp32",
    },
    "versions": {"torch": "2.9.0"},
    "git_commit": None,
    "hardware": {"device": "cpu", "name": "CPU", "threads": 1},
    "weights": "untrained",
    "seconds": 1.0,
}


def written(folder: Path, measurements, kind: str = KIND) -> Path:
    file = measurement_file(folder, RECORD["run"], 0, kind, "01234567")
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(RECORD | {"kind": kind, "measurements": measurements}))
    return file


def measurement(update: int, batch: int, scale: float | None):
    return {
        "update": update, "batch_size": batch, "batch_norm": "ghost", "ghost_size": 16, "draws": 8,
        "covariance": 1.0, "covariance_error": 0.1, "squared_mean": 0.5, "squared_mean_error": 0.1,
        "noise_scale": scale, "noise_scale_error": None if scale is None else 1.0,
        "lr_none": 0.1, "lr_sqrt": 0.1, "step_covariance_none": 0.01, "step_covariance_sqrt": 0.01,
    }  # fmt: skip


def test_the_kind_and_its_key_are_those_of_the_landscape():
    assert KIND in KINDS
    assert KEY == "noise_scale"


def test_at_the_noise_scale_both_costs_are_twice_the_least():
    scale = NoiseScale(1000)
    assert scale.updates(1000) == scale.processed(1000) == 2
    for batch in (10, 1000, 30000):
        assert (scale.updates(batch) - 1) * (scale.processed(batch) - 1) == pytest.approx(1)
        samples = scale.updates(batch) * batch  # updates times batch are samples, whatever the units
        assert samples / 1000 == pytest.approx(scale.processed(batch))
    assert scale.updates(2000) / scale.updates(1000) == 0.75


def test_the_plan_says_what_the_larger_batch_costs():
    found = json.loads(plan.answer(values([*TYPED, "noise_scale=1024"]), as_json=True))
    assert found["noise_scale"] == {"samples": 1024, "record": None, "range": None, "batch_norm": None}
    (note,) = (n for n in found["notes"] if n.startswith("Noise scale 1024: "))
    assert "from 256 to 4,096 0.25 times the updates and 4 times the samples" in note
    assert "up to a batch of about 1024," in note
    assert json.loads(plan.answer(values(TYPED), as_json=True))["noise_scale"] is None


def test_a_record_gives_the_mean_over_updates_of_the_largest_batch(tmp_path):
    rows = [
        (0, 16, 900.0),
        (0, 512, 100.0),
        (10, 512, 300.0),
        (10, 16, None),
        (30, 64, 500.0),
        (30, 512, None),
    ]
    file = written(tmp_path, [measurement(*row) for row in rows])
    found = read_noise_scale({"noise_scale": str(file)})
    assert found == NoiseScale((10 * 200 + 20 * 400) / 30, str(file), (100, 500), "ghost")
    note = noise_note(found, 16, 512)
    about = (
        f"mean over the updates that {file} spans, 100 to 500 at single ones; with batch norm in mode ghost"
    )
    assert f"Noise scale about 330 ({about}): " in note
    assert "up to a batch of about 330," in note


def test_a_record_of_one_point_gives_its_value(tmp_path):
    file = written(tmp_path, [measurement(0, 512, 100.0)])
    assert read_noise_scale({"noise_scale": str(file)}).samples == 100


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0", "must be finite and above 0"),
        ("nan", "must be finite and above 0"),
        ("1,2", "neither a number of samples nor a record of gengap landscape walk"),
        ("nowhere.json", "neither a number of samples nor a record"),
        (".", "is a directory, not a file: remove it"),
    ],
)
def test_a_mistake_says_what_to_type(text, says):
    with pytest.raises(UserError, match=says):
        plan.answer(values(replaced(TYPED, [f"noise_scale={text}"])))


def test_a_record_without_a_noise_scale_says_how_to_measure_it(tmp_path):
    file = written(tmp_path, [measurement(0, 512, None)])
    with pytest.raises(UserError, match="measure it with batch_norm=ghost"):
        read_noise_scale({"noise_scale": str(file)})


def test_a_record_of_another_kind_is_none(tmp_path):
    file = written(tmp_path, [measurement(0, 512, 1.0)], kind="line")
    with pytest.raises(UserError, match="nor a record of gengap landscape walk"):
        read_noise_scale({"noise_scale": str(file)})


@pytest.mark.parametrize("key", ["noise_scale", "batch_norm", "update", "batch_size"])
def test_a_record_that_lacks_a_key_of_its_kind_is_named_in_one_line(key, tmp_path):
    whole = measurement(0, 512, 1.0)
    file = written(tmp_path, [whole, {name: value for name, value in whole.items() if name != key}])
    with pytest.raises(UserError) as error:
        plan.answer(values(replaced(TYPED, [f"noise_scale={file}"])))
    where = f"measurements[1].{key} is missing"
    assert str(error.value) == f"{file} is damaged ({where}): restore it, or remove it to measure again"
