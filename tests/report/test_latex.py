"""table1.tex: a whole `table` with short cells, the seeds where they can be said once."""

import re

from report_records import Store

from gengap.report.cells import read_records
from gengap.report.latex import table
from gengap.report.rows import Part


def tex(store: Store) -> str:
    return table(read_records(store.root), Part.TABLE1)


def test_equal_numbers_of_seeds_are_in_the_caption(store: Store) -> None:
    for seed, accuracy in enumerate([98.0, 98.2]):
        store.add("mnist_sb", seed, accuracy)
        store.add("mnist_lb", seed, accuracy - 1)
    found = tex(store)
    assert r"standard deviation over $n = 2$ seeds" in found
    block = found[found.index(r"\midrule") : found.index(r"\bottomrule")]
    assert block == (
        "\\midrule\n"
        "\\multicolumn{6}{@{}l}{F1, MNIST} \\\\\n"
        "ours & 98.10{\\tiny$\\pm$0.14} & 97.10{\\tiny$\\pm$0.14} & -- & -- & -- \\\\\n"
        "paper & 98.27 & 97.05 & 97.55 & 97.60 & 98.53 \\\\\n"
        "diff. & $-$0.17 & +0.05 &  &  &  \\\\\n"
    )


def test_rows_with_other_numbers_of_seeds_name_them(mixed: Store) -> None:
    mixed.add_with("precision=bf16", "cifar10_c1_sb", 0, 87.0)
    found = tex(mixed)
    assert r"over $n$ seeds" in found
    assert "$n$ & 3 & 1 & 2 & 0 & 0 \\\\\n" in found  # of MNIST, where they differ within the row
    assert r"{C1, CIFAR-10 (bf16), $n = 1$}" in found


def test_runs_that_are_left_out_are_named_in_the_caption(mixed: Store) -> None:
    found = tex(mixed)
    assert r"97.60{\tiny$\pm$0.14}$^\dagger$ & --$^\dagger$ & -- \\" in found
    assert r"$^\dagger$+LR of F1, MNIST: 1 of 3 diverged; +GBN of F1, MNIST: 2 of 2 diverged." in found


def test_environments_match_and_nothing_is_left_unescaped(mixed: Store) -> None:
    found = tex(mixed)
    begun, ended = (re.findall(rf"\\{word}{{(\w+)}}", found) for word in ("begin", "end"))
    assert begun == ["table", "tabular"] == ended[::-1]
    body = found.partition("\n")[2]  # the first line is a comment
    assert not re.search(r"(?<!\\)[%_#±–×]", body)
    assert all(line.count("&") == 5 for line in body.splitlines() if "&" in line)
