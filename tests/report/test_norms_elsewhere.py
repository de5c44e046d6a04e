"""The norm of figure 2, answered from runs in bf16 as long as there are none in fp32."""

import csv

import pytest
from report_records import Store, walk

from gengap.report.cells import read_records
from gengap.report.figures.norms_elsewhere import norms_elsewhere
from gengap.report.markup import csv_text

pytestmark = pytest.mark.slow

DROP = 1000


def rows():
    """All parameters move five times as far as the published end, 10.4, the first tensor half as far."""
    return [
        row | {"distance": 52.0, "tensor_distances": [5.2, 1.0], "lr": 0.1 if row["update"] <= DROP else 0.01}
        for row in walk(2000, lambda t: 0.0)
    ]


def test_runs_in_bf16_are_compared_with_the_published_values(store: Store) -> None:
    store.add_with("precision=bf16", "cifar10_sb", rows=rows(), milestones=[DROP])
    found = list(csv.DictReader(csv_text(norms_elsewhere(read_records(store.root))).splitlines()))
    assert [(r["panel"], r["line"]) for r in found[:2]] == [("2a", "128 (bf16)"), ("2b", "128 (bf16)")]
    assert found[0]["end distance, published"] == "10.4"
    assert found[0]["end distance, first convolution"] == "5.20"
    assert found[0]["end distance, all parameters"] == "52.00"


def test_runs_in_fp32_answer_in_the_figure_itself(store: Store) -> None:
    store.add_with("precision=bf16", "cifar10_sb", rows=rows(), milestones=[DROP])
    store.add("cifar10_sb", rows=rows(), milestones=[DROP])
    assert not norms_elsewhere(read_records(store.root)).rows


def test_without_runs_there_is_no_answer(store: Store) -> None:
    store.add("mnist_sb")
    store.add_with("precision=bf16", "mnist_sb")
    assert not norms_elsewhere(read_records(store.root)).rows
