"""Where a run executes: the device, its threads, and the fastest product that is true fp32."""

import os

import torch

from gengap.config.schema import Runtime
from gengap.errors import UserError

TRUE_FP32_ERROR = 1e-5  # relative; bf16 products are off by 3e-3, fp32 by 3e-7
DEFAULT_THREADS = torch.get_num_threads()  # before anything changes it


def prepare_device(runtime: Runtime, threads: int | None = None) -> torch.device:
    """Choose the device and set torch up for it.

    Args:
        runtime: what was asked for.
        threads: CPU threads, in place of runtime.threads; torch's own number where neither is set.

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
    torch.set_num_threads(threads or runtime.threads or DEFAULT_THREADS)
    if runtime.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic with it only
    torch.use_deterministic_algorithms(runtime.deterministic)
    if use_gpu:
        torch.backends.cudnn.allow_tf32 = False  # precision=fp32 means fp32, in convolutions too
        torch.backends.cudnn.benchmark = not runtime.deterministic
    else:
        route_products_through_onednn()
    return torch.device("cuda" if use_gpu else "cpu")


def route_products_through_onednn() -> None:
    """Let oneDNN compute fp32 matrix products on this CPU, if they come out as true fp32."""
    # torch sends fp32 matrix products to MKL, which is slow on AMD, unless oneDNN is allowed to use bf16.
    # Without AMX oneDNN never does, and its fp32 is faster. Where it does, the
    # check below takes the permission back.
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"  # type: ignore[attr-defined]
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(256, 256, generator=generator) for _ in range(2))
    exact = a.double() @ b.double()
    error = torch.linalg.vector_norm(a @ b - exact) / torch.linalg.vector_norm(exact)
    if error > TRUE_FP32_ERROR:
        torch.backends.mkldnn.matmul.fp32_precision = "none"  # type: ignore[attr-defined]
