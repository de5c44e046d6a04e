import re
from collections import Counter
from pathlib import Path

from gengap.paper import tables as paper
from gengap.paper.methods import METHODS

# Row sums, added up from the printed tables: a wrong digit in any cell changes one.
ROW_SUMS = {
    "mnist_f1": 489.00,
    "cifar10_c1": 432.50,
    "cifar10_resnet44": 451.80,
    "cifar10_vgg": 449.53,
    "cifar100_c3": 290.83,
    "cifar100_wresnet16_4": 355.67,
}


def test_every_cell_of_both_tables_is_there_once() -> None:
    cells = [(p.table, p.workload, p.large_batch, p.method) for p in paper.published()]
    assert Counter(table for table, *_ in cells) == {1: 6 * 5, 2: 2 * 5}
    assert len(set(cells)) == len(cells)
    assert {method for *_, method in cells} == set(METHODS)
    assert set(paper.workloads(1)) == set(ROW_SUMS)
    assert paper.workloads(2) == ["imagenet_alexnet"]


def test_rows_sum_to_what_was_printed() -> None:
    for workload, total in ROW_SUMS.items():
        row = [float(paper.accuracy(workload, method)) for method in METHODS]
        assert abs(sum(row) - total) < 0.005, workload


def test_digits_stay_as_printed() -> None:
    printed = {row: [paper.accuracy(row, m) for m in METHODS] for row in ("mnist_f1", *paper.rows(2))}
    assert printed == {
        "mnist_f1": ["98.27", "97.05", "97.55", "97.60", "98.53"],
        "imagenet_alexnet": ["57.10", "41.23", "53.25", "54.92", "59.5"],
        "imagenet_alexnet_8k": ["57.10", "41.23", "53.25", "53.93", "59.5"],
    }
    assert paper.accuracy("digits_f1", "sb") == ""


def test_batches() -> None:
    small = {p.workload: p.small_batch for p in paper.published()}
    assert {w for w, batch in small.items() if batch != 128} == {"cifar100_wresnet16_4"}
    for p in paper.published():
        footnote_8 = p.table == 2 and p.method in ("lb", "lb_lr")
        expected = p.small_batch if p.method == "sb" else 2048 if footnote_8 else p.large_batch
        assert p.batch_size == expected
        assert ("footnote 8" in p.source) == footnote_8


def test_no_number_of_the_paper_is_in_the_code() -> None:
    numbers = {p.accuracy for p in paper.published()}
    sources = list(Path(paper.__file__).parents[1].rglob("*.py"))
    assert sources
    for source in sources:
        assert not numbers & set(re.findall(r"\d+\.\d+", source.read_text())), source.name


def test_table_2_has_two_rows_that_share_three_cells() -> None:
    first, second = paper.rows(2)
    assert (first, second) == ("imagenet_alexnet", "imagenet_alexnet_8k")
    assert [paper.first_row(second, m) for m in METHODS] == [first, first, first, second, second]
    assert {paper.first_row(first, m) for m in METHODS} == {first}
    assert paper.first_row("digits_f1", "sb") == "digits_f1"


def test_titles() -> None:
    assert paper.title("mnist_f1") == "F1, MNIST"
    assert paper.title("imagenet_alexnet") == "Alexnet, ImageNet, 4096"
    assert paper.title("imagenet_alexnet_8k") == "Alexnet, ImageNet, 8192"
    assert paper.title("cifar10_c1") == "C1, CIFAR-10"
    assert paper.title("cifar100_c3") == "C3, CIFAR-100"
    assert paper.title("digits_f1") == "F1, digits"
    assert paper.title("parity") == "parity"
    assert paper.network("cifar10_c1") == "C1"
    assert paper.network("imagenet_alexnet_8k") == "Alexnet, 8192"
