"""The published numbers of Keskar et al. 2017 (arXiv 1609.04836), from keskar.csv."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

TEST, TRAIN, SHARPNESS = "test accuracy", "train accuracy", "sharpness"


@dataclass(frozen=True)
class Published:
    """A published mean ± standard deviation over 5 runs, exactly as printed.

    workload: name of our workload. method: `sb` or `lb`. remedy: `augmentation`, `conservative`, or empty.
    quantity: TEST or TRAIN in percent, or SHARPNESS (Metric 2.1). epsilon, subspace: settings of a sharpness,
    as text; an empty subspace means the full space. mean, std: numbers as printed.
    """

    workload: str
    network: str
    dataset: str
    method: str
    remedy: str
    quantity: str
    epsilon: str
    subspace: str
    mean: str
    std: str
    source: str

    @property
    def text(self) -> str:
        """`mean ± std` as printed."""
        return f"{self.mean} ± {self.std}"


@cache
def published() -> tuple[Published, ...]:
    """Read all published numbers, in the order of the networks."""
    text = files("gengap.paper").joinpath("keskar.csv").read_text(encoding="utf-8")
    return tuple(Published(**row) for row in csv.DictReader(text.splitlines()))


def accuracy(workload: str, method: str, quantity: str = TEST, remedy: str = "") -> Published | None:
    """Look up a published accuracy; None if there is none."""
    asked = (workload, method, remedy, quantity)
    return next((p for p in published() if (p.workload, p.method, p.remedy, p.quantity) == asked), None)


def sharpness(
    workload: str, method: str, epsilon: float, subspace: int | None, remedy: str = ""
) -> Published | None:
    """Look up a published sharpness; None if there is none."""
    asked = (workload, method, remedy, "" if subspace is None else str(subspace))
    return next(
        (
            p
            for p in published()
            if p.quantity == SHARPNESS
            and (p.workload, p.method, p.remedy, p.subspace) == asked
            and float(p.epsilon) == epsilon
        ),
        None,
    )


def title(workload: str) -> str:
    """Name shown to readers, such as `Keskar et al.'s F1, MNIST`; empty for other workloads."""
    here = next((p for p in published() if p.workload == workload), None)
    return f"Keskar et al.'s {here.network}, {here.dataset}" if here else ""


def workloads() -> list[str]:
    """List the workloads with published numbers, in order."""
    return list(dict.fromkeys(p.workload for p in published()))
