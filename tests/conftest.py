import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from gengap.config import compose_config
from gengap.schema import Config

# Several test processes may share a machine; two threads are what the smallest has.
os.environ.setdefault("OMP_NUM_THREADS", "2")

# The same examples every time, and no limit on the time of one: a busy machine is no failure.
settings.register_profile("gengap", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("gengap")


@pytest.fixture
def digits(tmp_path: Path) -> Callable[..., Config]:
    """Configurations of a digits cell whose records go to a folder of the test's own."""

    def make(method: str = "lb_gbn", *overrides: str) -> Config:
        return compose_config([f"+experiment=digits_{method}", f"results_dir={tmp_path}", *overrides])

    return make
