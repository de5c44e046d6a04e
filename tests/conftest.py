import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from gengap.config.compose import compose_config
from gengap.config.schema import Config

# On a busy machine a second thread makes small tensors ten times slower; subprocesses inherit this.
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)

# The same examples every time, and no limit on the time of one: a busy machine is no failure.
settings.register_profile("gengap", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("gengap")


@pytest.fixture
def digits(tmp_path: Path) -> Callable[..., Config]:
    """Configurations of a digits cell whose records go to a folder of the test's own."""

    def make(method: str = "lb_gbn", *overrides: str) -> Config:
        return compose_config([f"+experiment=digits_{method}", f"results_dir={tmp_path}", *overrides])

    return make


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Where real data sets are: $GENGAP_DATA, or where gengap keeps them."""
    return Path(os.environ.get("GENGAP_DATA", "~/.cache/gengap")).expanduser()


@pytest.fixture
def mnist(data_root: Path, tmp_path: Path) -> Callable[..., Config]:
    """Configurations of an MNIST cell; skips the test where MNIST is not on this machine."""
    if not (data_root / "MNIST" / "raw").exists():
        pytest.skip("MNIST is not here: set GENGAP_DATA to the folder that holds it")

    def make(method: str, *overrides: str) -> Config:
        places = [f"results_dir={tmp_path}", f"data.root={data_root}"]
        return compose_config([f"+experiment=mnist_{method}", *places, *overrides])

    return make
