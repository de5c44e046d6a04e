"""Walks by batch size, and rows that have runs in bf16 only."""

from math import log

import pytest
from report_records import Store, walk

from gengap.report.cells import drawn_rows, read_records
from gengap.report.figures import distance, regime_adaptation
from gengap.report.figures.walk_by_batch import figure
from tests.report.test_distance import by_column


def grown(batch: int) -> list[dict]:
    """A walk that is exactly a logarithm, with a slope of its own."""
    return walk(2000, lambda t: 1 + batch / 1000 * log(t))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_every_size_is_found_among_cells_and_variants(precision, store: Store) -> None:
    same = f"precision={precision}"
    store.add_with(same, "mnist_sb", rows=grown(128))
    store.add_with(same, "mnist_lb", rows=grown(4096))
    assert figure(read_records(store.root)).draw is None  # two sizes are no law by size
    for batch in (512, 256):
        for seed in (0, 1):
            store.add_with(f"{same} method.batch_size={batch}", "mnist_lb", seed, rows=grown(batch))
    store.add_with(f"{same} method.batch_size=1024 workload.epochs=5", "mnist_lb", rows=grown(1024))
    store.add_with(f"{same} protocol=bigbatch method.batch_size=2048", "mnist_lb", rows=grown(2048))
    store.add_with(f"{same} method.batch_size=512", "mnist_lb_gbn", rows=grown(512))  # and sb: two sizes
    found = figure(read_records(store.root))
    rows = by_column(found.data["walk_by_batch_fits"])
    row = "mnist_f1" if precision == "fp32" else "mnist_f1 (bf16)"
    assert [(r["workload"], r["learning rate"], r["batch"], r["seed"]) for r in rows] == [
        (row, "one learning rate", batch, seed)
        for batch, seed in (
            ("128", "0"),
            ("256", "0"),
            ("256", "1"),
            ("512", "0"),
            ("512", "1"),
            ("4096", "0"),
        )
    ]
    for r in rows:
        assert float(r["slope"]) == pytest.approx(int(r["batch"]) / 1000, rel=1e-3)
    assert [len(axis.lines) > 0 for axis in found.draw().axes] == [True]


def test_each_precision_with_enough_sizes_is_a_row_of_its_own(store: Store) -> None:
    store.add("mnist_sb", rows=grown(128))
    store.add("mnist_lb", rows=grown(4096))
    for precision, batches in (("bf16", (128, 256, 512)), ("fp32", (256, 512))):
        for batch in batches:
            words = f"precision={precision} method.batch_size={batch}"
            store.add_with(words, "mnist_lb", rows=grown(batch))
    rows = by_column(figure(read_records(store.root)).data["walk_by_batch_fits"])
    sizes = {(r["workload"], r["batch"]) for r in rows}
    assert sizes == {("mnist_f1", b) for b in ("128", "256", "512", "4096")} | {
        ("mnist_f1 (bf16)", b) for b in ("128", "256", "512")
    }


def test_the_small_batch_is_in_both_panels(store: Store) -> None:
    store.add("mnist_sb", rows=grown(128))
    for method in ("lb", "lb_gbn"):
        store.add(f"mnist_{method}", rows=grown(4096))
        store.add_with("method.batch_size=512", f"mnist_{method}", rows=grown(512))
    rows = by_column(figure(read_records(store.root)).data["walk_by_batch"])
    shown = list(dict.fromkeys((r["learning rate"].lstrip("'"), r["batch"]) for r in rows))
    assert shown == [(r, b) for r in ("one learning rate", "+LR and GBN") for b in ("128", "512", "4096")]


def test_other_sizes_of_the_small_batch_s_method_are_at_its_rate(store: Store) -> None:
    store.add("mnist_sb", rows=grown(128))
    for batch in (64, 256):
        store.add_with(f"method.batch_size={batch}", "mnist_sb", rows=grown(batch))
    rows = by_column(figure(read_records(store.root)).data["walk_by_batch"])
    assert {(r["learning rate"], r["batch"]) for r in rows} == {
        ("one learning rate", batch) for batch in ("64", "128", "256")
    }


def test_a_row_is_drawn_in_bf16_only_where_it_has_no_run_in_fp32(store: Store) -> None:
    for name in ("mnist_sb", "mnist_lb", "cifar10_c1_sb", "cifar10_c1_lb"):
        store.add_with("precision=bf16", name, rows=grown(100))
    store.add("cifar10_c1_sb", status="running")
    store.add("mnist_sb", rows=grown(100))
    records = read_records(store.root)
    assert [row.label for row in drawn_rows(records)] == ["mnist_f1", "cifar10_c1 (bf16)"]
    walked = by_column(distance.figure(records).data["distance"])
    assert {(r["workload"], r["method"]) for r in walked} == {
        ("mnist_f1", "sb"), ("cifar10_c1 (bf16)", "sb"), ("cifar10_c1 (bf16)", "lb"),
    }  # fmt: skip
    assert [row.label for row in regime_adaptation.rows_drawn(records)] == ["cifar10_c1 (bf16)"]
