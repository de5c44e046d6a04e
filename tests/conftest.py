import copy
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hypothesis import settings

from gengap.__main__ import main
from gengap.config.compose import compose_config
from gengap.config.schema import Config
from tests.slurm import Cluster, missing, started

# On a busy machine a second thread makes small tensors ten times slower; subprocesses inherit the variable
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)

# The same examples every time, and no deadline, which a busy machine would miss
settings.register_profile("gengap", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("gengap")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run slow files first, so that no worker begins one when all others have finished."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """What a command does to the root logger (`hydra.verbose`) ends with its test."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)


@pytest.fixture
def command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Sequence[str]], tuple[object, str, str]]:
    """Runs `gengap` with these words in the test's folder; returns exit code, stderr and stdout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(words: Sequence[str]) -> tuple[object, str, str]:
        monkeypatch.setattr(logging.getLogger(), "handlers", [])  # else logging.basicConfig does nothing
        monkeypatch.setattr(sys, "argv", ["gengap", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code, err, out

    return run


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are written without their pictures, which take most of the time, where only texts matter."""
    monkeypatch.setattr("gengap.report.page.save", lambda figure, folder: None)


@pytest.fixture(scope="session")
def slurm() -> Iterator[Cluster]:
    """A Slurm of two nodes on this machine, running; skips the test where it is not installed."""
    if reason := missing():
        pytest.skip(f"no Slurm: {reason}")
    with TemporaryDirectory(prefix="gengap-slurm-") as folder, started(Path(folder)) as cluster:
        yield cluster


@cache
def _composed(words: tuple[str, ...]) -> Config:
    return compose_config(words)


def composed(words: Sequence[str], results_dir: Path) -> Config:
    """A configuration of the test's own; Hydra composes the same words only once."""
    config = copy.deepcopy(_composed(tuple(words)))
    if not any(word.startswith("results_dir=") for word in words):
        config.results_dir = str(results_dir)
    return config


@pytest.fixture
def digits(tmp_path: Path) -> Callable[..., Config]:
    """Makes configurations of a digits cell that write to tmp_path."""

    def make(method: str = "lb_gbn", *overrides: str) -> Config:
        return composed([f"+experiment=digits_{method}", *overrides], tmp_path)

    return make


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data sets: $GENGAP_DATA, or gengap's default."""
    return Path(os.environ.get("GENGAP_DATA", "~/.cache/gengap")).expanduser()


@pytest.fixture
def mnist(data_root: Path, tmp_path: Path) -> Callable[..., Config]:
    """Makes configurations of an MNIST cell; skips the test if MNIST is not in data_root."""
    if not (data_root / "MNIST" / "raw").exists():
        pytest.skip("MNIST not found: set GENGAP_DATA to the folder that holds it")

    def make(method: str, *overrides: str) -> Config:
        return composed([f"+experiment=mnist_{method}", f"data.root={data_root}", *overrides], tmp_path)

    return make
