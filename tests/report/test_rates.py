"""Learning rates on held-out images: curves, their best points, and the gap with both batches tuned."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from landscape_records import rows
from report_records import Store
from scipy import stats

from gengap.cli.report import main
from gengap.report.cells import read_records
from gengap.report.format import fixed, signed
from gengap.report.other_runs import variants
from gengap.report.questions import rates_figure, rates_table
from gengap.report.questions.rates import Tuned
from gengap.report.questions.section import Questions
from gengap.report.questions.tuned import tuned
from gengap.report.section import Plain

HELD_OUT = "data.holdout=5000"
SB = {0.05: [98.0, 98.1, 98.4], 0.1: [98.3, 98.2, 98.6], 0.2: [96.0, 96.2, 96.1]}
LB = {0.1: [96.0, 96.3, 96.2], 0.4: [97.0, 97.4, 97.5], 0.8: [97.9, 97.85, 98.15]}
EPOCHS = 8
DIP = 7  # the epoch with the lowest error
GAIN = 0.5  # by so many points


def phases(base: float) -> str:
    return f"[{','.join(f'{base / 10**k:.10g}' for k in range(4))}]"


def errors(last: float) -> list[dict[str, float]]:
    """An error that falls by a point per epoch to the last one, but at DIP is GAIN below that."""
    falling = {epoch: last + EPOCHS - epoch for epoch in range(1, EPOCHS + 1)} | {DIP: last - GAIN}
    return [
        {"update": 10 * epoch, "epoch": epoch, "distance": 1.0, "val_error": error}
        for epoch, error in falling.items()
    ]


def add(
    store: Store, method: str, base: float, accuracies: Sequence[float], settings: str = HELD_OUT
) -> None:
    words = f"{settings} workload.lr={phases(base)}"
    for seed, accuracy in enumerate(accuracies):
        store.add_with(words, f"mnist_{method}", seed, accuracy, rows=errors(100 - accuracy))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SB and LB at three rates each; composing as many configurations is slow."""
    store = Store(tmp_path_factory.mktemp("curves") / "results")
    for method, found in {"sb": SB, "lb": LB}.items():
        for base, accuracies in found.items():
            add(store, method, base, accuracies)
    return store.root


@pytest.fixture
def curves(recorded: Path, tmp_path: Path) -> Store:
    return Store(shutil.copytree(recorded, tmp_path / "results"))


def read(store: Store) -> list[Tuned]:
    return tuned(read_records(store.root))


def line(store: Store, method: str, rate: str) -> dict[str, str]:
    lines = rows(rates_table.table(read(store)))
    (found,) = (r for r in lines if (r["method"], r["rate"]) == (method, rate))
    return found


def test_a_curve_per_method_in_order_of_the_rate(curves: Store) -> None:
    (found,) = read(curves)
    assert found.row.title == "F1, MNIST (data.holdout=5000)"
    assert {m: [p.rate for p in c.points] for m, c in found.curves.items()} == {"sb": [*SB], "lb": [*LB]}
    assert found.scaled == pytest.approx(0.1 * 32**0.5)  # +LR, a point on the curve of LB


@pytest.mark.parametrize(
    ("settings", "times"),
    [("method.batch_size=1024", 8), ("protocol=bigbatch", 16)],  # bigbatch scales +LR from 256
)
def test_the_scaled_rate_is_that_of_the_curve_s_batch_and_protocol(
    settings: str, times: float, store: Store
) -> None:
    for base in (0.1, 0.2):
        add(store, "lb", base, [97.0, 97.1], f"{HELD_OUT} {settings}")
    (found,) = read(store)
    assert found.scaled == pytest.approx(0.1 * times**0.5)


def test_a_line_has_the_last_epoch_the_last_quarter_and_the_best(curves: Store) -> None:
    found = line(curves, "LB", "0.4")
    mean, std = np.mean(LB[0.4]), np.std(LB[0.4], ddof=1)
    assert found["hold-out % ± std"] == f"{mean:.2f} ± {std:.2f}"
    late = mean + GAIN / 2  # over epochs 7 and 8
    assert found["last quarter %"] == f"{late:.2f} ± {std:.2f}"
    assert (found["best epoch"], found["% there"]) == ("7.0", f"{mean + GAIN:.2f} ± {std:.2f}")
    assert (found["last epoch − best"], found["batch"], found["epochs"], found["n"]) == (
        *("-0.50", "4,096", "50", "3"),
    )


def test_a_rate_is_as_good_as_the_best_if_the_paired_interval_contains_zero(curves: Store) -> None:
    expected = {}
    for label, found in {"SB": SB, "LB": LB}.items():
        best = max(found, key=lambda rate: float(np.mean(found[rate])))
        for rate, accuracies in found.items():
            if rate != best:
                low, high = stats.ttest_rel(accuracies, found[best]).confidence_interval(0.95)
                expected[label, rate] = "not distinguishable" if low <= 0 <= high else "worse"
    assert set(expected.values()) == {"not distinguishable", "worse"}
    assert {key: line(curves, key[0], f"{key[1]:g}")["against the best"] for key in expected} == expected
    assert line(curves, "SB", "0.1")["against the best"] == "best"
    assert line(curves, "LB", "0.8")["against the best"] == "best, at the end of the range"


def test_the_gap_is_taken_at_the_best_rate_of_each(curves: Store) -> None:
    (told,) = rates_table.answers(read(curves))
    assert "SB (0.1) reaches 98.37 ± 0.21 %, 0.50 points below its best epoch" in told
    assert "LB (0.8, at the end of the range) reaches 97.97 ± 0.16 %" in told
    assert "Not distinguishable from the best: SB at 0.05." in told
    for lead, a, b in (("With both tuned", SB[0.1], LB[0.8]), ("at the recipe's rate", SB[0.1], LB[0.1])):
        low, high = stats.ttest_rel(a, b).confidence_interval(0.95)
        points = signed(float(np.mean(a) - np.mean(b)))
        ends = f"{signed(low)} to {signed(high)}"
        assert f"{lead}, SB − LB is {points} points (95 %: {ends}; n = 3 pairs)." in told


def test_the_rate_of_the_square_root_rule_is_compared_with_the_best_one(curves: Store) -> None:
    (told,) = rates_table.answers(read(curves))
    assert "square-root rule" not in told  # LB is best at the end of the range
    add(curves, "lb", 1.6, [97.0])
    (told,) = rates_table.answers(read(curves))
    assert "The square-root rule sets LB's rate to 0.566, 0.707 times its best." in told


def test_one_seed_gives_a_difference_and_no_interval(store: Store) -> None:
    for method, shift in (("sb", 0.0), ("lb", -2.0)):
        for base in (0.1, 0.2):
            add(store, method, base, [98.0 + shift - base])
    (told,) = rates_table.answers(read(store))
    assert "With both tuned, SB − LB is +2.00 points (n = 1, 1: too few seeds to decide)." in told
    assert line(store, "SB", "0.2")["against the best"] == ""


def test_a_rate_at_which_a_run_diverged_is_not_the_best(curves: Store) -> None:
    words = f"{HELD_OUT} workload.lr={phases(1.6)}"
    curves.add_with(words, "mnist_lb", 0, 99.0, rows=errors(1.0))
    curves.add_with(words, "mnist_lb", 1, status="diverged")
    (found,) = read(curves)
    assert found.curves["lb"].best.rate == 0.8
    assert line(curves, "LB", "0.8")["against the best"] == "best"  # a higher rate was tried
    assert line(curves, "LB", "1.6")["left out"] == "1 of 2 diverged"


def test_other_settings_are_other_curves(curves: Store) -> None:
    for precision in ("", " precision=bf16"):
        for base in (0.1, 0.2):
            add(curves, "sb", base, [97.0], f"{HELD_OUT} workload.epochs=20{precision}")
    titles = [t.row.title for t in read(curves)]
    assert titles == [
        "F1, MNIST (bf16, data.holdout=5000 workload.epochs=20)",
        "F1, MNIST (data.holdout=5000)",
        "F1, MNIST (data.holdout=5000 workload.epochs=20)",
    ]


def test_other_settings_at_one_rate_stand_beside_the_curves(curves: Store) -> None:
    add(curves, "lb", 0.2, [97.0], f"{HELD_OUT} workload.epochs=20")
    add(curves, "lb_lr", 0.2, [97.0], f"{HELD_OUT} workload.epochs=20")  # without a curve
    questions = Questions(read_records(curves.root))
    assert [t.row.overrides for t in questions.tuned] == ["data.holdout=5000"]
    assert [[*t.curves] for t in questions.beside] == [["lb"]]
    (told,) = (r for r in rows(rates_table.table(questions.beside)))
    assert (told["workload"], told["epochs"]) == ("F1, MNIST (data.holdout=5000 workload.epochs=20)", "20")
    assert told["against the best"] == "the only rate"
    assert {p.group.run for t in questions.beside for p in t.curves["lb"].points} <= questions.runs


def test_scaled_rates_are_told_as_the_optimizer_uses_them(store: Store) -> None:
    for base in (0.1, 0.2):
        add(store, "lb_lr", base, [97.0])
    ((curve,),) = ([*t.curves.values()] for t in read(store))
    assert [p.rate for p in curve.points] == pytest.approx([0.1 * 32**0.5, 0.2 * 32**0.5])
    assert [p.base for p in curve.points] == [0.1, 0.2]
    assert curve.recipe == pytest.approx(0.1 * 32**0.5)


def test_what_is_no_curve_stays_among_the_variants(curves: Store) -> None:
    curves.add_with("data.holdout=5000 workload.lr=[0.1,0.1,0.1,0.1]", "mnist_sb", 0, 97.0)  # other phases
    curves.add_with("workload.lr=[0.2,0.02,0.002,0.0002]", "mnist_sb", 0, 97.0)  # on the test split
    curves.add_with("data.holdout=5000", "mnist_lb_lr", 0, 97.0)  # one rate
    records = read_records(curves.root)
    questions = Questions(records)
    assert len(variants(records).rows) == 3 + len(SB) + len(LB)
    left = [row[2] for row in variants(records, questions.runs).rows]
    assert sorted(left) == [
        "data.holdout=5000",
        "data.holdout=5000 workload.lr=[0.1,0.1,0.1,0.1]",
        "workload.lr=[0.2,0.02,0.002,0.0002]",
    ]


def test_the_figure_marks_the_recipe_and_where_lr_scaling_lies(curves: Store) -> None:
    drawing = rates_figure._draw(read(curves))
    (axis,) = drawing.axes
    marked = sorted(float(x[0]) for line in axis.lines if len(set(x := line.get_xdata())) == 1)
    assert marked == pytest.approx([0.1, 0.1 * 32**0.5])
    drawn = [line for line in axis.lines if len(line.get_xdata()) == 3]
    assert [list(line.get_ydata()) for line in drawn] == [
        pytest.approx([float(np.mean(a)) for a in found.values()]) for found in (SB, LB)
    ]


@given(st.lists(st.floats(0, rates_figure.TOP), min_size=2, unique=True))
def test_accuracies_keep_their_order_on_the_axis(values: list[float]) -> None:
    spaced = rates_figure._spaced(sorted(values))
    assert all(a <= b for a, b in pairwise(spaced))
    assert rates_figure._accuracy(spaced) == pytest.approx(sorted(values))


def test_the_report_has_the_section_and_its_files(curves: Store) -> None:
    assert main([f"results_dir={curves.root}"]) == 0
    folder = curves.root / "report"
    text = (folder / "README.md").read_text()
    assert "## Learning rates, tuned on held-out training images" in text
    assert "![Accuracy by learning rate](rates.svg)" in text
    assert "Not run yet" not in text  # in the user's own folder
    lines = (folder / "rates.csv").read_text().splitlines()
    assert len(lines) == 1 + len(SB) + len(LB)
    mean = fixed(float(np.mean(SB[0.1])))
    assert any(f",sb,128,50,0.1,0.1,3,{mean}," in entry for entry in lines)
    assert main([f"results_dir={curves.root}", "--check"]) == 0


def test_a_clone_s_own_report_names_what_was_not_run(curves: Store) -> None:
    records = replace(read_records(curves.root), are_published=True)
    rates, *_ = Questions(records).sections
    *_, missing = (block for block in rates.blocks if isinstance(block, Plain))
    commands = [f"+sweep=keskar_tuning_{c}" for c in ("f1", "c1 precision=bf16")]
    assert missing.texts == (f"Not run yet: {'; '.join(f'gengap train {c}' for c in commands)}.",)
