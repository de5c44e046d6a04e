"""Setting up the device: what there must be, and how glibc treats what is freed."""

import ctypes
import os
import sys
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gengap.config.schema import Runtime
from gengap.errors import UserError
from gengap.training import device
from gengap.training.allocator import ROOMY, keep_freed_memory
from gengap.training.device import prepare_device

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


@given(
    rows=st.integers(1, 300), inner=st.integers(1, 300), columns=st.integers(1, 300), seed=st.integers(0, 99)
)
def test_products_of_fp32_are_true_fp32(rows, inner, columns, seed):
    """Against float64: the error of a sum of float32 products, not the 3e-3 of bfloat16."""
    device.route_products_through_onednn()
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(rows, inner, generator=generator), torch.randn(inner, columns, generator=generator)
    exact = a.double() @ b.double()
    scale = a.double().abs() @ b.double().abs()
    assert ((a @ b - exact).abs() / scale).max() < 1e-6


def test_oneDNN_loses_its_permission_where_products_are_not_true_fp32(monkeypatch):  # noqa: N802
    monkeypatch.setattr(device, "TRUE_FP32_ERROR", -1.0)  # as if every product were too far off
    device.route_products_through_onednn()
    assert torch.backends.mkldnn.matmul.fp32_precision == "none"
    monkeypatch.undo()
    device.route_products_through_onednn()
    assert torch.backends.mkldnn.matmul.fp32_precision == "bf16"  # not where AMX computes in bfloat16
