"""Setting up the device, its matrix products and glibc's allocator."""

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

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="glibc is on Linux only")
MMAP_MAX = -4  # malloc.h


@linux_only
def test_freed_memory_is_kept_only_if_there_is_room(monkeypatch):
    options = {}
    library = SimpleNamespace(mallopt=options.__setitem__)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    room = ROOMY * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    keep_freed_memory(int(0.9 * room))
    kept = dict(options)
    assert kept[MMAP_MAX] == 0  # so that no memory is returned to the kernel
    keep_freed_memory(int(1.1 * room))
    assert options.keys() == kept.keys()  # a later run of the same process resets every option
    assert options[MMAP_MAX] > 0


@linux_only
def test_other_c_libraries_are_not_configured(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    keep_freed_memory(0)


@pytest.mark.parametrize("settings", [{"device": "cuda"}, {"graph": True}])
def test_gpu_settings_are_rejected_without_a_gpu(settings, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match="GPU: leave it out"):
        prepare_device(Runtime(**settings))


@given(
    rows=st.integers(1, 300), inner=st.integers(1, 300), columns=st.integers(1, 300), seed=st.integers(0, 99)
)
def test_fp32_matrix_products_are_true_fp32(rows, inner, columns, seed):
    """Compared with float64: an error of float32 sums, far below the 3e-3 of bfloat16."""
    device.route_products_through_onednn()
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(rows, inner, generator=generator), torch.randn(inner, columns, generator=generator)
    exact = a.double() @ b.double()
    scale = a.double().abs() @ b.double().abs()
    assert ((a @ b - exact).abs() / scale).max() < 1e-6


def test_onednn_is_disabled_if_products_are_not_true_fp32(monkeypatch):
    monkeypatch.setattr(device, "TRUE_FP32_ERROR", -1.0)  # as if every product were inaccurate
    device.route_products_through_onednn()
    assert torch.backends.mkldnn.matmul.fp32_precision == "none"
    monkeypatch.undo()
    device.route_products_through_onednn()
    assert torch.backends.mkldnn.matmul.fp32_precision == "bf16"  # fails on a CPU with AMX
