"""What is asked of glibc: to keep what is freed, unless an update takes much of the machine's memory."""

import ctypes
import os
import sys
from types import SimpleNamespace

import pytest

from gengap.device import ROOMY, keep_freed_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc is Linux's")
MMAP_MAX = -4  # malloc.h


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


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    keep_freed_memory(0)
