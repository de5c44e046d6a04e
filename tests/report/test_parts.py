"""What each part does: cells with other settings beside the cells, by question."""

from dataclasses import replace

import numpy as np
import pytest
from landscape_records import rows
from report_records import Store, walk
from scipy import stats

from gengap.cli.report import main
from gengap.config.compose import compose_config
from gengap.config.identity import run_name
from gengap.config.shipped import experiment_config, experiment_with
from gengap.config.sweep import compose_jobs, expand
from gengap.report.cells import read_records
from gengap.report.format import p_value, signed
from gengap.report.other_runs import variants
from gengap.report.questions import steps
from gengap.report.questions.parts import FIRST_UPDATES, GHOST_SIZES, SAMPLES, ablations, answered
from gengap.report.questions.parts_table import table
from gengap.report.questions.section import Questions
from gengap.report.section import markdown_section
from gengap.report.significance import holm

LR = [96.4, 96.5, 96.8]
CLIPPED_UNTIL = 7
WARM = {1: [97.0, 97.4, 97.5], 5: [96.5, 96.4, 96.9]}


def at(distance: float, clipped_until: int = 0) -> dict[str, object]:
    """Rows of which the distance at update t is t times this."""
    return {"rows": walk(700, lambda t: t * distance, clipped_until=clipped_until)}


@pytest.fixture
def warm(store: Store) -> Store:
    for seed, accuracy in enumerate([*LR, 90.0]):
        store.add("mnist_lb_lr", seed, accuracy, **at(2.0, clipped_until=CLIPPED_UNTIL))
    for epochs, accuracies in WARM.items():
        for seed, accuracy in enumerate(accuracies):
            words = f"method.warmup_epochs={epochs}"
            store.add_with(words, "mnist_lb_lr", seed, accuracy, **at(0.5))
    return store


def lines(store: Store, question: str) -> list[dict[str, str]]:
    return rows(table(question, answered(read_records(store.root))[question]))


@pytest.mark.parametrize("ablation", ablations(), ids=lambda t: f"{t.experiment}-{t.protocol}-{t.settings}")
def test_ablations_compose_as_hydra_does(ablation) -> None:
    words = ablation.settings.split()
    hydra = compose_config([f"+experiment={ablation.experiment}", f"protocol={ablation.protocol}", *words])
    assert experiment_with(ablation.experiment, ablation.protocol, words) == hydra


def test_every_ablation_is_in_its_sweep() -> None:
    runs = {t: run_name(experiment_with(t.experiment, t.protocol, t.settings.split())) for t in ablations()}
    cells = {run_name(experiment_config(t.experiment, t.protocol)) for t in ablations()}
    for sweep in {t.sweep for t in ablations()}:
        trained = {job.name for job in compose_jobs(expand(f"+sweep={sweep}".split()))}
        assert {run for t, run in runs.items() if t.sweep == sweep} <= trained
        assert trained <= cells | {*runs.values()}


def test_differences_are_paired_by_seed_and_corrected_over_the_table(warm: Store) -> None:
    found = lines(warm, FIRST_UPDATES)
    assert [r["with"] for r in found] == [f"method.warmup_epochs={epochs}" for epochs in WARM]
    tests = [stats.ttest_rel(accuracies, LR) for accuracies in WARM.values()]
    corrected = holm([test.pvalue for test in tests])
    for line, accuracies, test, p in zip(found, WARM.values(), tests, corrected, strict=True):
        low, high = test.confidence_interval(0.95)
        assert line["difference"] == signed(float(np.mean(accuracies) - np.mean(LR)))
        assert (line["95 %"], line["pairs"]) == (f"{signed(low)} to {signed(high)}", "3")
        assert (line["p"], line["p (Holm)"]) == (p_value(test.pvalue), p_value(p))
    assert [r["reads as"] for r in found] == ["higher", "open"]
    assert [r["paper"] for r in found] == ["97.55"] * 2
    assert found[0]["with the setting %"] == f"97.30 ± {np.std(WARM[1], ddof=1):.2f} (n=3) ≈"
    assert found[0]["its accuracy %"].endswith("(n=4) ▼")


def test_the_first_updates_are_told_by_distance_and_clipping(warm: Store) -> None:
    (first, _) = lines(warm, FIRST_UPDATES)
    recorded = [row["update"] for row in walk(700, lambda t: 0.0)]
    nearest = min(recorded, key=lambda t: abs(t - 15))
    assert (first["distance: cell"], first["distance: with it"]) == (
        *(f"{nearest * 2:.2f} ± 0.00", f"{nearest * 0.5:.2f} ± 0.00"),
    )
    clipped = max(t for t in recorded if t <= CLIPPED_UNTIL) / 2  # half of each row's updates
    assert (first["clipped: cell"], first["clipped: with it"]) == (f"{100 * clipped / 700:.1f} %", "0.0 %")


def test_steps_have_the_same_settings_on_both_sides(warm: Store) -> None:
    lb, warm_gbn, clipped = [97.0, 97.1, 97.3], [97.2, 97.4, 97.9], [98.0, 98.2, 98.3]
    for seed in range(3):
        warm.add("mnist_lb", seed, lb[seed])
        warm.add_with("method.warmup_epochs=1", "mnist_lb_gbn", seed, warm_gbn[seed])
        warm.add_with("method.clip_norm=1", "mnist_lb_lr", seed, clipped[seed])
    records = read_records(warm.root)
    found = rows(steps.table(records, answered(records)[FIRST_UPDATES]))
    expected = {  # clipping acts on LB too, and LB was not run with it
        ("method.warmup_epochs=1", "+LR − LB"): (WARM[1], lb),
        ("method.warmup_epochs=1", "+GBN − +LR"): (warm_gbn, WARM[1]),
        ("method.warmup_epochs=5", "+LR − LB"): (WARM[5], lb),
    }
    assert sorted((r["with"], r["step"]) for r in found) == sorted(expected)
    corrected = dict(
        zip(expected, holm([stats.ttest_rel(*sides).pvalue for sides in expected.values()]), strict=True)
    )
    for line in found:
        key = line["with"], line["step"]
        a, b = expected[key]
        test = stats.ttest_rel(a, b)
        low, high = test.confidence_interval(0.95)
        assert line["difference"] == signed(float(np.mean(a) - np.mean(b)))
        assert (line["95 %"], line["pairs"]) == (f"{signed(low)} to {signed(high)}", "3")
        assert (line["p"], line["p (Holm)"]) == (p_value(test.pvalue), p_value(corrected[key]))
        assert line["paper"] == {"+LR − LB": "+0.50", "+GBN − +LR": "+0.05"}[line["step"]]


def test_lb_has_the_settings_that_act_on_it(store: Store) -> None:
    for seed, value in enumerate([97.0, 97.2]):
        for method in ("lb", "lb_lr"):
            store.add_with("protocol=bigbatch protocol.bn_weight=network", f"mnist_{method}", seed, value)
        store.add_with("protocol=bigbatch", "mnist_lb", seed, value + 1)
    records = read_records(store.root)
    (line,) = rows(steps.table(records, answered(records)[FIRST_UPDATES]))
    assert (line["with"], line["step"], line["difference"]) == (
        "protocol.bn_weight=network",
        "+LR − LB",
        "+0.00",
    )


def test_the_small_batch_on_more_samples_stands_beside_both_cells(store: Store) -> None:
    for seed, (sb, ra, longer) in enumerate([(98.2, 98.6, 98.5), (98.3, 98.7, 98.7)]):
        store.add("mnist_sb", seed, sb)
        store.add("mnist_lb_ra", seed, ra)
        store.add_with("method.regime_factor=32", "mnist_sb", seed, longer)
    found = lines(store, SAMPLES)
    assert [(r["method"], r["cell"], r["difference"], r["paper"]) for r in found] == [
        ("SB", "+RA", "-0.05", "98.53"),
        ("SB", "SB", "+0.35", "98.27"),
    ]


def test_precisions_and_protocols_are_compared_with_their_own_cells(store: Store) -> None:
    kinds = (
        ("protocol=paper", "uniform", 0.0),
        ("precision=bf16", "uniform", 1.0),
        ("protocol=bigbatch", "network", 2.0),
    )
    for kind, weight, shift in kinds:
        store.add_with(kind, "mnist_sb", 0, 96.0 + shift)
        store.add_with(f"{kind} protocol.bn_weight={weight}", "mnist_sb", 0, 96.25 + shift)
    found = lines(store, FIRST_UPDATES)
    assert [(r["workload"], r["its accuracy %"].split()[0], r["difference"]) for r in found] == [
        ("F1, MNIST", "96.00", "+0.25"),
        ("F1, MNIST (bf16)", "97.00", "+0.25"),
        ("F1, MNIST (bigbatch)", "98.00", "+0.25"),
    ]
    assert {(r["95 %"], r["p (Holm)"], r["reads as"]) for r in found} == {("", "", "")}


def test_without_the_cell_there_is_no_difference(store: Store) -> None:
    store.add_with("method.ghost_size=64", "mnist_lb_gbn", 0, 96.0)
    store.add_with("method.ghost_size=32", "mnist_lb_gbn", 0, status="diverged")
    diverged, line = lines(store, GHOST_SIZES)
    assert (line["its accuracy %"], line["difference"]) == ("missing", "")
    assert (diverged["with the setting %"], diverged["difference"]) == ("1 of 1 diverged", "")


def test_what_stands_there_is_no_variant(warm: Store) -> None:
    warm.add_with("method.warmup_epochs=3", "mnist_lb_lr", 0, 97.0)  # of no question
    records = read_records(warm.root)
    assert len(variants(records).rows) == 3
    (left,) = variants(records, Questions(records).runs).rows
    assert left[2] == "method.warmup_epochs=3"


@pytest.mark.usefixtures("without_pictures")
def test_the_report_has_the_tables_and_their_numbers(warm: Store) -> None:
    assert main([f"results_dir={warm.root}"]) == 0
    folder = warm.root / "report"
    text = (folder / "README.md").read_text()
    assert "### Do the first updates cause the drop of +LR and +GBN?" in text
    assert "Not run yet" not in text
    header, *entries = (folder / "parts.csv").read_text().splitlines()
    assert header.startswith("question,workload,method,settings,against,n,mean,")
    assert len(entries) == len(WARM)
    assert main([f"results_dir={warm.root}", "--check"]) == 0


def test_a_clone_s_own_report_names_what_was_not_run(warm: Store) -> None:
    records = replace(read_records(warm.root), are_published=True)
    *_, parts = Questions(records).sections
    text = " ".join(markdown_section(parts).replace("\\", "").split())
    of_question, _, others = text.partition("- Not run yet: ")[2].partition("- Not run yet: ")
    assert of_question.startswith("gengap train +sweep=cifar10_warmup; gengap train +sweep=mnist_clip; ")
    assert "mnist_warmup" not in of_question
    assert others == (
        "Is it the number of samples? gengap train +sweep=mnist_sb_samples; "
        "Which part of regime adaptation helps? gengap train +sweep=mnist_ra_parts; "
        "Does ghost batch norm help on its own? gengap train +sweep=mnist_ghosts_alone; "
        "How large should a ghost be? gengap train +sweep=mnist_ghost_sizes."
    )
