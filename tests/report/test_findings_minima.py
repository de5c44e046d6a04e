"""The claims on minima, and on the norm of figure 2, by their stated rules."""

import pytest
from landscape_records import LB, RA, SB, add_measured, sharp
from report_records import Store, walk
from scipy.stats import ttest_rel

from gengap.report.cells import read_records
from gengap.report.comparisons import compare_methods
from gengap.report.findings import minima, walking
from gengap.report.findings.claims import Claim
from gengap.report.findings.page import findings
from gengap.report.landscape.section import Landscape
from gengap.report.questions.section import Questions
from gengap.report.section import markdown_section

DROP = 1000


def claim(store: Store, beginning: str) -> Claim:
    records = read_records(store.root)
    landscape = Landscape(records)
    found = (*minima.claims(records, landscape), *walking.claims(records))
    (asked,) = (c for c in found if c.statement.startswith(beginning))
    return asked


def fill(store: Store, accuracies: dict[str, float], *, experiment: str = "keskar_f1") -> None:
    for method, values in (("sb", SB), ("lb", LB), ("lb_ra", RA)):
        for seed, value in enumerate(values if method in accuracies else ()):
            little = seed**2 * {"sb": 0.01, "lb": 0.005, "lb_ra": 0.007}[method]
            store.add(f"{experiment}_{method}", seed, accuracies[method] + little)
            add_measured(store, f"{experiment}_{method}", seed, "sharpness", [sharp(value)])


@pytest.mark.parametrize(("lb", "verdict"), [(97.0, "holds on"), (99.0, "does not hold on"), (98.0, "open")])
def test_whether_sharpness_orders_the_methods_as_accuracy_does(store: Store, lb: float, verdict: str) -> None:
    fill(store, {"sb": 98.0, "lb": lb})
    found = claim(store, "Sharpness orders")
    assert found.verdict.startswith(verdict)
    (line,) = found.evidence
    counts = {97.0: "in 1 of 1", 98.0: "in 0 of 1", 99.0: "in 0 of 1"}
    assert f"the flatter of two methods is the more accurate one {counts[lb]} comparisons" in line.text


def test_a_minority_that_agrees_decides_nothing(store: Store) -> None:
    """LB is the sharpest and the least accurate; which of SB and +RA is flatter is open."""
    fill(store, {"sb": 98.0, "lb": 97.0, "lb_ra": 98.5}, experiment="digits")
    assert claim(store, "Sharpness orders").evidence[0].agrees is True  # 2 of 3, none disagrees
    fill(store, {"sb": 98.0}, experiment="mnist")
    assert [e.row.name for e in claim(store, "Sharpness orders").evidence] == ["digits_f1"]


def test_the_claim_on_sharp_minima_names_the_modes_of_batch_norm(store: Store) -> None:
    fill(store, {"sb": 98.0, "lb": 97.0})
    for method, factor in (("sb", 1.0), ("lb", 50.0)):
        for seed in range(3):
            points = [sharp(factor * (1 + seed / 10), batch_norm="batch")]
            add_measured(store, f"keskar_f1_{method}", seed, "sharpness", points)
            points = [sharp(5.0 + seed * (factor == 1), batch_norm="recomputed")]
            add_measured(store, f"keskar_f1_{method}", seed, "sharpness", points)
    (line,) = claim(store, "Large batches").evidence
    assert (
        "LB is sharper than SB in 2 of 3 comparisons (sharpness; ratios from 0.841 to 50.0; n = 3)"
        in line.text
    )
    assert "; open in 1 (sharpness, ε = 0.001, full space: recomputed); " in line.text
    assert line.text.endswith(
        "by mode of batch norm (sharpness, ε = 0.001, full space): trained 10.5, recomputed 0.841, batch "
        "50.0: largest in mode batch; LB − SB is -1.01 points of accuracy (95 %: -1.03 to -0.98; n = 3 "
        "pairs); training loss: LB 0.500, SB 0.500"
    )
    assert line.brief == (
        "LB / SB 50.0 (50.0 to 50.0; sharpness, ε = 0.001, full space, batch norm batch), in 2 of 3 "
        "comparisons (n = 3); training loss: LB 0.500, SB 0.500; the interval excludes the published ratio"
    )
    assert line.paper == "167"


def test_the_sharper_method_may_be_the_more_accurate_one(store: Store) -> None:
    accuracies = {"lb_ra": (98.6, 98.8, 98.7), "sb": (98.2, 98.3, 98.2)}
    for method, values in (("lb_ra", LB), ("sb", SB)):
        for seed, value in enumerate(values):
            store.add(f"mnist_{method}", seed, accuracies[method][seed])
            add_measured(store, f"mnist_{method}", seed, "sharpness", [sharp(value)])
    (line,) = claim(store, "Regime adaptation finds sharper minima").evidence
    low, high = ttest_rel(*accuracies.values()).confidence_interval(0.95)
    told = f"+RA − SB is +0.47 points of accuracy (95 %: {low:+.2f} to {high:+.2f}; n = 3 pairs)"
    assert line.agrees is True
    counts = "+RA is sharper than SB in 1 of 1 comparisons (sharpness; ratios from 10.5 to 10.5; n = 3)"
    assert line.text == f"F1, MNIST: {counts}; {told}; training loss: +RA 0.500, SB 0.500"


def test_absolute_values_that_differ_from_the_published_ones_are_said_to(store: Store) -> None:
    fill(store, {"sb": 98.0, "lb": 97.0})
    note = claim(store, "Large batches").note
    told = "F1, MNIST, SB: 2.50 (trained), published 1.23 at ε = 0.001; Keskar et al.'s F1, MNIST, LB: 26.3 "
    assert told in note
    assert "neither their learning rate nor when they stopped" in note
    records = read_records(store.root)
    page = findings(records, [], [], Landscape(records), Questions(records))
    assert page is not None
    assert "\nAbsolute values differ from the published ones: Keskar et al.'s F1" in markdown_section(page)


def test_a_published_value_between_those_of_our_modes_does_not_differ(store: Store) -> None:
    for seed in range(2):
        for mode, value in (("trained", 0.5), ("batch", 2.0)):
            add_measured(store, "keskar_f1_sb", seed, "sharpness", [sharp(value, batch_norm=mode)])
    assert claim(store, "Large batches").note == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("every", "first", "verdict"),
    [
        (52.0, 9.0, "holds on Resnet44, CIFAR-10"),
        (10.0, 1.0, "does not hold on Resnet44, CIFAR-10"),
        (12.0, 9.0, "open"),
        (52.0, 1.0, "open"),
    ],
)
@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_which_norm_figure_2_shows(
    store: Store, precision: str, every: float, first: float, verdict: str
) -> None:
    rows = [
        row
        | {
            "distance": every,
            "tensor_distances": [first, 1.0],
            "lr": 0.1 if row["update"] <= DROP else 0.01,
        }
        for row in walk(2000, lambda t: 0.0)
    ]
    store.add_with(f"precision={precision}", "cifar10_sb", 0, rows=rows, milestones=[DROP])
    assert claim(store, "Figure 2 plots").verdict == "open"  # with a single seed
    store.add_with(f"precision={precision}", "cifar10_sb", 1, rows=rows, milestones=[DROP])
    found = claim(store, "Figure 2 plots")
    assert found.verdict == verdict
    assert [e.text.partition(", panel ")[2][:2] for e in found.evidence] == ["2a", "2b"]
    assert found.see == {"bf16": "Which norm does figure 2 show?", "fp32": "Which norm?"}[precision]


@pytest.mark.parametrize(("lb", "is_told"), [(98.0, True), (97.0, False)])
def test_a_sharper_minimum_that_is_no_worse_is_said_to_be(store: Store, lb: float, is_told: bool) -> None:
    fill(store, {"sb": 98.0, "lb": lb})
    records = read_records(store.root)
    landscape = Landscape(records)
    page = findings(records, compare_methods(records), (), landscape, Questions(records))
    assert page is not None
    told = (
        "Keskar et al.'s F1, MNIST: the large batch ends in the sharper minimum, but is not shown to "
        "generalize worse: SB − LB is +0.01 points (95 %: -0.02 to +0.03; n = 3 pairs)."
    )
    assert (told in " ".join(markdown_section(page).split())) is is_told
