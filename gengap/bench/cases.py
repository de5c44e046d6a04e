"""What is measured: a workload and a method, gengap in one or more precisions against the typical loop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gengap.config.checks import PRECISIONS
from gengap.config.compose import compose_config
from gengap.config.conf import names_in
from gengap.config.hints import did_you_mean, near_names
from gengap.config.schema import Config
from gengap.errors import UserError
from gengap.paper import tables as paper
from gengap.paper.methods import LABELS

METHODS = ("sb", "lb_ra")  # +GBN makes the updates of +RA, only fewer; LB and +LR make them without ghosts
DEFAULT = (
    ("mnist_f1", "sb"),
    ("mnist_f1", "lb_ra"),
    ("cifar10_c1", "lb_ra"),
    ("cifar10_resnet44", "lb_ra"),
)
ON_A_GPU = (*DEFAULT, ("cifar10_vgg", "lb_ra"), ("cifar100_wresnet16_4", "lb_ra"))


@dataclass(frozen=True)
class Case:
    """A workload at a method's batch and ghost size."""

    workload: str
    method: str
    precisions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{paper.title(self.workload)} {LABELS.get(self.method, self.method)}"

    def config(self, precision: str) -> Config:
        """The run's configuration, as `gengap train` composes it."""
        return compose_config(
            [f"workload={self.workload}", f"method={self.method}", f"precision={precision}"]
        )


def cases(
    workload: str, methods: Sequence[str], precisions: Sequence[str], on_gpu: Callable[[], bool]
) -> list[Case]:
    """The requested cases; without a workload the default ones for a CPU or a GPU.

    Raises:
        UserError: there is no such workload, method or precision, or its images are not held in memory.
    """
    for precision in precisions:
        _known("precision", precision, PRECISIONS)
    for method in methods:
        _known("method", method, names_in("method"))
    if not workload:
        if methods and not set(methods) & set(METHODS):
            raise UserError(
                f"method={','.join(methods)} is not measured without a workload: add workload=NAME"
            )
        default = ON_A_GPU if on_gpu() else DEFAULT
        return [Case(w, m, tuple(precisions)) for w, m in default if not methods or m in methods]
    if workload not in names_in("workload") and (near := near_names("workload", workload)):
        raise UserError(f"workload={workload} is unknown: {did_you_mean(near)}")
    _known("workload", workload, names_in("workload"))
    found = [Case(workload, m, tuple(precisions)) for m in methods or METHODS]
    if found[0].config(precisions[0]).data.name not in SHAPES:
        raise UserError(f"workload={workload} streams its images from files: choose another workload")
    return found


def _known(key: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise UserError(f"{key}={value} is unknown: use one of {', '.join(choices)}")


# Number of training images, height, width, channels and classes of the data sets that are held in memory
SHAPES = {
    "digits": (1437, 8, 8, 1, 10),
    "mnist": (60_000, 28, 28, 1, 10),
    "cifar10": (50_000, 32, 32, 3, 10),
    "cifar100": (50_000, 32, 32, 3, 100),
}
