"""Setting up the device: what there must be, and how glibc treats what is freed."""

import ctypes
import os
import sys
from types import SimpleNamespace

import pytest

from gengap.config.schema import Runtime
from gengap.errors import UserError
from gengap.training.device import ROOMY, keep_freed_memory, prepare_device

of_linux = pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc is Linux's")
MMAP_MAX = -4  # malloc.h


@of_linux
def test_memory_is_kept_only_where_there_is_room(monkeypatch):
    asked = {}
    library = SimpleNamespace(mallopt=asked.__setitem__)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    room = ROOMY * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    keep_freed_memory(int(0.9 * room))
    kept = dict(asked)
    assert kept[MMAP_MAX] == 0  # so that nothing is handed back
    keep_freed_memory(int(1.1 * room))
    assert asked.keys() == kept.keys()  # a later run of the same process takes all of it back
    assert asked[MMAP_MAX] > 0


@of_linux
def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    keep_freed_memory(0)


@pytest.mark.parametrize("asked", [{"device": "cuda"}, {"graph": True}])
def test_what_needs_a_gpu_is_refused_without_one(asked, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match="GPU: leave it out"):
        prepare_device(Runtime(**asked))
