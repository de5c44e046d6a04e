import re
from collections import Counter
from pathlib import Path

from gengap.paper import keskar
from gengap.paper import tables as paper

# Sums of the printed means of the ten columns of Keskar et al.'s tables: a wrong digit changes one
COLUMN_SUMS = {
    ("sb", keskar.TEST, "", ""): 379.97,
    ("lb", keskar.TEST, "", ""): 366.59,
    ("sb", keskar.TRAIN, "", ""): 498.20,
    ("lb", keskar.TRAIN, "", ""): 499.02,
    ("sb", keskar.SHARPNESS, "0.001", ""): 81.17,
    ("lb", keskar.SHARPNESS, "0.001", ""): 2518.28,
    ("sb", keskar.SHARPNESS, "0.0005", ""): 22.39,
    ("lb", keskar.SHARPNESS, "0.0005", ""): 659.98,
    ("sb", keskar.SHARPNESS, "0.001", "100"): 26.31,
    ("lb", keskar.SHARPNESS, "0.001", "100"): 480.58,
    ("sb", keskar.SHARPNESS, "0.0005", "100"): 6.99,
    ("lb", keskar.SHARPNESS, "0.0005", "100"): 151.30,
}


def test_every_cell_of_the_tables_is_there_once() -> None:
    cells = [(p.workload, p.method, p.remedy, p.quantity, p.epsilon, p.subspace) for p in keskar.published()]
    assert len(set(cells)) == len(cells)
    assert Counter(remedy for _, _, remedy, *_ in cells) == {
        "": 5 * 12, "augmentation": 4 * 4, "conservative": 5 * 3,
    }  # fmt: skip
    assert keskar.workloads() == [f"keskar_{n}" for n in ("f1", "c1", "c2", "c3", "c4")]


def test_columns_sum_to_what_was_printed() -> None:
    sums: Counter[tuple[str, ...]] = Counter()
    for p in keskar.published():
        if not p.remedy:
            sums[p.method, p.quantity, p.epsilon, p.subspace] += round(100 * float(p.mean))
    assert {column: total / 100 for column, total in sums.items()} == COLUMN_SUMS


def test_digits_stay_as_printed() -> None:
    found = keskar.sharpness("keskar_f1", "lb", 1e-3, None)
    assert found is not None
    assert found.text == "205.14 ± 69.52"
    remedy = keskar.accuracy("keskar_c2", "lb", remedy="conservative")
    assert remedy is not None
    assert remedy.text == "88.495 ± 0.63"
    small = keskar.sharpness("keskar_f1", "sb", 5e-4, 100)
    assert small is not None
    assert small.text == "0.05 ± 0.00"
    assert keskar.sharpness("keskar_f1", "lb", 1e-3, 50) is None
    assert keskar.accuracy("digits_f1", "sb") is None


def test_no_published_number_is_in_the_code() -> None:
    numbers = {p.mean for p in keskar.published() if p.quantity == keskar.SHARPNESS and float(p.mean) > 3}
    for source in Path(paper.__file__).parents[1].rglob("*.py"):
        assert not numbers & set(re.findall(r"\d+\.\d+", source.read_text())), source.name


def test_titles() -> None:
    assert paper.title("keskar_c4") == "Keskar et al.'s C4, CIFAR-100"
    assert keskar.title("mnist_f1") == ""
