import json
from pathlib import Path
from typing import Any

import pytest
import torch

from gengap.bench import machine, measure, turns
from gengap.bench.cases import Case, cases
from gengap.bench.document import ROWS, merged
from gengap.bench.machine import gb_per_update, gflop_per_image
from gengap.bench.random_images import random_images
from gengap.bench.typical import TypicalLoop
from gengap.cli.bench import main
from gengap.data.load import load
from gengap.errors import UserError
from gengap.report.figures.speed import slug
from gengap.report.measurements import read_measurements
from gengap.report.speed import targets
from tests.bench.test_speed import ROW

pytestmark = pytest.mark.slow

DIGITS = Case("digits_f1", "lb_gbn", ("fp32",))


def test_measures_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole command on the smallest workload: both sides run, and it prints what it writes."""
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)  # one update per turn
    words = ["workload=digits_f1", "method=lb_gbn", "precision=fp32", "rounds=1", f"results_dir={tmp_path}"]
    assert main(words) == 0
    (document,), unreadable = read_measurements(tmp_path)
    assert unreadable == []
    (path,) = (tmp_path / "bench").glob("*.json")
    assert path.stem == slug(document["hardware"])
    (row,) = document["rows"]
    assert row["precision"] == "fp32"
    assert row["ratio"] == pytest.approx(row["typical_seconds"] / row["gengap_seconds"])  # of one turn
    assert row["seconds_per_epoch"] == pytest.approx(row["gengap_seconds"] * 1437 / 512)
    moved = 1e9 * row["copy_share"] * row["gengap_seconds"] * document["copy_gbs"]
    assert moved == pytest.approx(1e9 * row["gb_per_update"], abs=1e4)  # which is rounded
    assert (row["batch_size"], row["ghost_size"]) == (512, 16)
    assert {p.suffix for p in path.parent.glob(f"*{path.stem}.*")} == {".json", ".md", ".svg", ".pdf", ".png"}
    assert f"{row['ratio']:.2f}x" in capsys.readouterr().out
    page = next(path.parent.glob("*.md")).read_text()
    assert len([line for line in page.splitlines() if line.endswith("| not measured |  |")]) == len(targets())


def test_a_new_measurement_replaces_the_old_one(tmp_path: Path) -> None:
    machine = {"hardware": {"name": "a machine"}}
    row = {"workload": "mnist_f1", "method": "sb", "precision": "fp32", "batch_size": 128, "ratio": 3.0}
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(merged(path, machine, ROWS, [row, row | {"precision": "bf16", "ratio": 5.0}])))
    found = merged(path, machine, ROWS, [row | {"ratio": 4.0}, row | {"workload": "cifar10_c1"}])
    assert found["hardware"] == machine["hardware"]
    assert [(r["workload"], r["precision"], r["ratio"]) for r in found["rows"]] == [
        ("cifar10_c1", "fp32", 3.0),
        ("mnist_f1", "fp32", 4.0),
        ("mnist_f1", "bf16", 5.0),
    ]


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("workload=mnist", "workload=mnist is unknown: did you mean mnist_f1?"),
        ("rounds=0", "rounds=0 must be a positive whole number"),
        ("precision=fp64", "precision=fp64 is unknown"),
        ("sb", "unknown argument sb: type gengap bench --help"),
        ("workload=", "workload has no value: type workload=VALUE"),
        ("data.folder=x", "data.folder=x: add workload=NAME, one that reads image files"),
    ],
)
def test_mistakes_get_a_line(typed: str, line: str) -> None:
    with pytest.raises(UserError) as error:
        main([typed])
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fp32", "bf16", "lacking", "expected"),
    [
        (
            111.0,
            1.417,
            True,
            "this processor has no bf16 arithmetic (matrix products at 1.42 GFLOP/s, in fp32 at 111)",
        ),
        (105.0, 83.0, False, "it is slower than fp32 here (matrix products at 83 GFLOP/s, in fp32 at 105)"),
        (100.0, 0.0, False, "it is slower than fp32 here (matrix products at 0 GFLOP/s, in fp32 at 100)"),
        (110.0, 430.0, True, None),
    ],
)
def test_bf16_that_is_slower_is_not_measured(
    fp32: float, bf16: float, lacking: bool, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "lacks_bf16", lambda: lacking)
    assert machine.slower({"fp32": fp32, "bf16": bf16}) == expected


def test_trying_bf16_keeps_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "matrix_rate", lambda name, *_: float(torch.get_num_threads()))
    torch.set_num_threads(2)
    try:
        assert machine.slow_bf16(torch.device("cpu")) is None
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_bf16_is_left_out_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of the rates of the machine; a share above 100 % is not shown, and said."""
    asked: list[Case] = []
    found = {"matrix_gflops": {"fp32": 100.0}, "copy_gbs": 20.0, "versions": {"torch": "2.11"}}
    found["hardware"] = {"device": "cpu", "name": "A machine", "threads": 2}

    def measured(case: Case, *_: object) -> list[dict[str, Any]]:
        asked.append(case)
        return [ROW | {"workload": case.workload, "method": case.method, "matrix_share": 12.71}]

    monkeypatch.setattr(measure, "slow_bf16", lambda _: "no such arithmetic")
    monkeypatch.setattr(measure, "peak_rates", lambda _, names: found if list(names) == ["fp32"] else {})
    monkeypatch.setattr(measure, "measure", measured)
    assert main(["workload=digits_f1", "method=sb", f"results_dir={tmp_path}"]) == 0
    assert asked == [Case("digits_f1", "sb", ("fp32",))]
    out, err = capsys.readouterr()
    assert err.splitlines()[1:] == [
        "gengap bench: bf16 is left out: no such arithmetic",
        "gengap bench: shares above 100 % are left blank: a cache, or a machine that was busy",
    ]
    assert "1271" not in out + "".join(p.read_text() for p in (tmp_path / "bench").glob("*.md"))
    with pytest.raises(
        UserError, match="precision=bf16 is not measured: no such arithmetic; use precision=fp32"
    ):
        main(["workload=digits_f1", "method=sb", "precision=bf16", f"results_dir={tmp_path}"])


def test_a_damaged_file_is_a_line_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardware = {"device": "cpu", "name": "A machine", "threads": 2}
    monkeypatch.setattr(measure, "slow_bf16", lambda _: None)
    monkeypatch.setattr(measure, "peak_rates", lambda *_: {"hardware": hardware})
    path = tmp_path / "bench" / f"{slug(hardware)}.json"
    path.parent.mkdir()
    for damaged in ("{", "[]", '{"rows": [{}]}'):
        path.write_text(damaged)
        with pytest.raises(UserError, match="is not a measurement of gengap bench: move it away"):
            main(["workload=digits_f1", f"results_dir={tmp_path}"])


def test_a_folder_that_cannot_be_written_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(measure, "slow_bf16", lambda _: None)
    monkeypatch.setattr(measure, "peak_rates", lambda *_: {})
    with pytest.raises(UserError, match="can't write to .*file.*Not a directory.*: set results_dir=DIR"):
        main(["workload=digits_f1", f"results_dir={tmp_path}/file"])


def test_default_cases_have_their_targets() -> None:
    """On a CPU in both precisions; on a GPU, whose targets are in bf16, every row of Table 1 but C3."""
    chosen = {on_gpu: cases("", (), ("fp32", "bf16"), lambda on_gpu=on_gpu: on_gpu) for on_gpu in (0, 1)}
    measured = {
        (device, c.workload, c.method, p)
        for device, found in zip(("cpu", "cuda"), chosen.values(), strict=True)
        for c in found
        for p in c.precisions
    }
    wanted = {(t.device, t.workload, t.method, t.precision) for t in targets()}
    assert wanted <= measured
    assert {words for words in measured - wanted if words[0] == "cpu" or words[3] == "bf16"} == set()


def test_the_arguments_say_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def measured(cases: object, rounds: int, folder: Path, finished: object, peers: str) -> int:
        asked.append((cases, rounds, folder, peers))
        return 0

    monkeypatch.setattr(measure, "measure_all", measured)
    assert main(["workload=cifar10_c1", "method=sb,lb", "rounds=7", "results_dir=there"]) == 0
    cases = [Case("cifar10_c1", method, ("fp32", "bf16")) for method in ("sb", "lb")]
    assert asked == [(cases, 7, Path("there"), "")]


def test_random_images_have_the_data_sets_shape() -> None:
    real, (images, classes) = load("digits", ""), random_images("digits")
    assert images.images.shape == real.train.images.shape
    assert images.images.dtype == real.train.images.dtype
    assert classes == real.num_classes


def test_typical_loop_runs_a_ghost_at_a_time() -> None:
    images, classes = random_images("digits")
    typical = TypicalLoop(DIGITS.config("fp32"), images, classes, torch.device("cpu"))
    sizes: list[int] = []
    typical._model.register_forward_hook(lambda module, inputs, output: sizes.append(len(output)))
    before = [p.detach().clone() for p in typical._model.parameters()]
    typical.update()
    assert sizes == [16] * 32
    assert all(not torch.equal(a, b) for a, b in zip(before, typical._model.parameters(), strict=True))


def test_f1_floating_point_operations() -> None:
    """Matrix products only: per weight 2 forward and 4 backward, less the first layer's input gradient."""
    weights = [784 * 512, *[512 * 512] * 4, 512 * 10]
    expected = 1e-9 * (6 * sum(weights) - 2 * weights[0])
    config = Case("mnist_f1", "sb", ()).config("fp32")
    assert gflop_per_image(config, (28, 28, 1), 10) == pytest.approx(expected)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_f1_bytes(precision: str) -> None:
    """An image is saved, and every hidden layer's product and output; in bf16, rounded weights as well.

    Batch norm saves mean and deviation of its channels. The first weight is saved for no gradient.
    """
    samples, width = 4096, 512
    weights = [784 * width, *[width * width] * 4, width * 10]
    each = 2 if precision == "bf16" else 4
    saved = each * samples * (784 + 5 * 2 * width) + 4 * 5 * 2 * width
    saved += each * sum(weights[1:]) if precision == "bf16" else 0
    parameters = sum(weights) + 5 * 3 * width + 10
    config = Case("mnist_f1", "lb_ra", ()).config(precision)
    found = 1e9 * gb_per_update(config, (28, 28, 1), 10)
    assert found == pytest.approx(2 * saved + (3 + 3) * 4 * parameters, abs=1)
