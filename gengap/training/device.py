"""Where a run executes: the device, its threads, and the fastest product that is true fp32."""

import ctypes
import os
import sys

import torch

from gengap.config.schema import Runtime
from gengap.errors import UserError

TRUE_FP32_ERROR = 1e-5  # relative; bf16 products are off by 3e-3, fp32 by 3e-7
ROOMY = 0.4  # of the machine's memory: twice as much, and the data set, still fit
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h
_KEPT = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 << 20))
_GLIBC_S_OWN = ((_M_MMAP_MAX, 65536), (_M_TRIM_THRESHOLD, 128 << 10), (_M_TOP_PAD, 128 << 10))


def prepare_device(runtime: Runtime) -> torch.device:
    """Choose the device and set torch up for it.

    Raises:
        UserError: runtime.device=cuda or runtime.graph=true without a GPU.
    """
    if runtime.device == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "runtime.device=cuda, but torch finds no GPU: leave it out, or set runtime.device=cpu"
        )
    use_gpu = runtime.device != "cpu" and torch.cuda.is_available()
    if runtime.graph and not use_gpu:
        raise UserError("runtime.graph=true needs a GPU: leave it out")
    if runtime.threads is not None:
        torch.set_num_threads(runtime.threads)
    if runtime.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic with it only
    torch.use_deterministic_algorithms(runtime.deterministic)
    if use_gpu:
        torch.backends.cudnn.allow_tf32 = False  # precision=fp32 means fp32, in convolutions too
        torch.backends.cudnn.benchmark = not runtime.deterministic
    else:
        _route_products_through_onednn()
    return torch.device("cuda" if use_gpu else "cpu")


def keep_freed_memory(update_bytes: int) -> None:
    """Make glibc keep the memory of big tensors for the next ones, where an update leaves room for that.

    Otherwise it hands them back to the kernel and takes them again, zeroed, at every update, which takes up
    to half the time. But what is kept falls into pieces, up to twice as much as is needed: an update
    that takes a good part of the machine's memory goes without.

    Args:
        update_bytes: what an update needs.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # absent from other C libraries
    if mallopt is not None:
        host_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        for setting, value in _KEPT if update_bytes < ROOMY * host_bytes else _GLIBC_S_OWN:
            mallopt(setting, value)


def _route_products_through_onednn() -> None:
    # torch takes fp32 products to MKL, slow on AMD, unless oneDNN may use bf16; without AMX it never does,
    # and its fp32 is faster. Where it does use bf16, the check below takes the permission back.
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"  # type: ignore[attr-defined]
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(256, 256, generator=generator) for _ in range(2))
    exact = a.double() @ b.double()
    error = torch.linalg.vector_norm(a @ b - exact) / torch.linalg.vector_norm(exact)
    if error > TRUE_FP32_ERROR:
        torch.backends.mkldnn.matmul.fp32_precision = "none"  # type: ignore[attr-defined]
