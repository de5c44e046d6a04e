"""What to measure: a workload and a method, in one or more precisions of gengap against the typical loop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gengap.config.checks import PRECISIONS
from gengap.config.compose import compose_config
from gengap.config.conf import names_in
from gengap.config.hints import did_you_mean, near_names
from gengap.config.schema import Config
from gengap.data.load import NUM_CLASSES, TRAINING_IMAGES
from gengap.errors import UserError
from gengap.paper import tables as paper
from gengap.paper.methods import LABELS

METHODS = ("sb", "lb_ra")  # +GBN makes the same updates as +RA, only fewer; LB and +LR use no ghosts
DEFAULT = (
    ("mnist_f1", "sb"),
    ("mnist_f1", "lb_ra"),
    ("cifar10_c1", "lb_ra"),
    ("cifar10_resnet44", "lb_ra"),
)
ON_A_GPU = (*DEFAULT, ("cifar10_vgg", "lb_ra"), ("cifar100_wresnet16_4", "lb_ra"))
# Height, width and channels of the images of data sets held in memory
_SHAPES = {"digits": (8, 8, 1), "mnist": (28, 28, 1), "cifar10": (32, 32, 3), "cifar100": (32, 32, 3)}
# Number of training images, height, width, channels and classes
SHAPES = {name: (TRAINING_IMAGES[name], *shape, NUM_CLASSES[name]) for name, shape in _SHAPES.items()}


@dataclass(frozen=True)
class Case:
    """A workload at a method's batch and ghost size."""

    workload: str
    method: str
    precisions: tuple[str, ...]
    files: tuple[str, ...] | None = None  # words locating the image files; None if the workload reads none

    def __str__(self) -> str:
        return f"{paper.title(self.workload)} {LABELS.get(self.method, self.method)}"

    def config(self, precision: str) -> Config:
        """Compose the run's configuration as `gengap train` does."""
        cell = [f"workload={self.workload}", f"method={self.method}", f"precision={precision}"]
        return compose_config([*cell, *(self.files or ())])


def cases(
    workload: str,
    methods: Sequence[str],
    precisions: Sequence[str],
    on_gpu: Callable[[], bool],
    files: Sequence[str] = (),
) -> list[Case]:
    """List the requested cases; without a workload, the default ones for a CPU or a GPU.

    Args:
        workload: name of the workload; empty for the defaults.
        methods: names of methods; by default sb for a workload that reads image files.
        precisions: precisions of gengap.
        on_gpu: tells whether there is a GPU.
        files: `data.root=DIR` and the like.

    Raises:
        UserError: there is no such workload, method or precision, or `files` are given for a workload that
            doesn't read any.
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
        if files:
            raise UserError(f"{files[0]}: add workload=NAME, one that reads image files")
        default = ON_A_GPU if on_gpu() else DEFAULT
        return [Case(w, m, tuple(precisions)) for w, m in default if not methods or m in methods]
    if workload not in names_in("workload") and (near := near_names("workload", workload)):
        raise UserError(f"workload={workload} is unknown: {did_you_mean(near)}")
    _known("workload", workload, names_in("workload"))
    if Case(workload, METHODS[0], ()).config(precisions[0]).data.name not in SHAPES:
        return [Case(workload, m, tuple(precisions), tuple(files)) for m in methods or METHODS[:1]]
    if files:
        raise UserError(f"{files[0]}: workload={workload} is measured on random images: leave it out")
    return [Case(workload, m, tuple(precisions)) for m in methods or METHODS]


def _known(key: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise UserError(f"{key}={value} is unknown: use one of {', '.join(choices)}")
