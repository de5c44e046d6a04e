"""Memory that the machine refuses is said in one line."""

from pathlib import Path

import pytest
import torch

from gengap.errors import UserError
from gengap.launch.failure import as_user_error


def refused() -> Exception:
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60)
    return error.value


@pytest.mark.parametrize("error", [MemoryError(), refused()], ids=["numpy", "torch"])
def test_refused_memory_is_one_line(error):
    found = as_user_error(error, Path())
    assert isinstance(found, UserError)
    assert str(found).startswith("the machine is out of memory: set runtime.micro_batch")


def test_other_errors_stay_what_they_are():
    error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    assert as_user_error(error, Path()) is error
