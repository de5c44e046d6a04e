"""Set up the device, its threads, and the fastest matrix products that are true fp32."""

import os

import torch

from gengap.config.schema import Runtime
from gengap.errors import UserError

TRUE_FP32_ERROR = 1e-5  # relative error; bf16 products have 3e-3, fp32 products 3e-7
DEFAULT_THREADS = torch.get_num_threads()  # read at import, before any run changes it


def prepare_device(
    runtime: Runtime, threads: int | None = None, local_rank: int | None = None
) -> torch.device:
    """Choose the device and configure torch for it.

    Args:
        runtime: the `runtime` part of the configuration.
        threads: number of CPU threads, overriding runtime.threads; torch's default if neither is set.
        local_rank: index of this rank on its machine, whose GPUs are assigned round-robin; None for one
            process.

    Raises:
        UserError: runtime.device=cuda or runtime.graph=true without a GPU.
    """
    if runtime.device == "cuda" and not torch.cuda.is_available():
        raise UserError("runtime.device=cuda but torch finds no GPU: leave it out, or set runtime.device=cpu")
    use_gpu = runtime.device != "cpu" and torch.cuda.is_available()
    if runtime.graph and not use_gpu:
        raise UserError("runtime.graph=true needs a GPU: leave it out")
    torch.set_num_threads(threads or runtime.threads or DEFAULT_THREADS)
    if runtime.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # required for cuBLAS to be deterministic
    if runtime.deterministic != torch.are_deterministic_algorithms_enabled():
        torch.use_deterministic_algorithms(runtime.deterministic)  # imports the compiler, which takes seconds
    if use_gpu:
        torch.backends.cudnn.allow_tf32 = False  # precision=fp32 means true fp32, also in convolutions
        torch.backends.cudnn.benchmark = not runtime.deterministic
    else:
        route_products_through_onednn()
    if use_gpu and local_rank is not None:
        device = torch.device("cuda", local_rank % torch.cuda.device_count())
        torch.cuda.set_device(device)
        return device
    return torch.device("cuda" if use_gpu else "cpu")


def route_products_through_onednn() -> None:
    """Let oneDNN compute fp32 matrix products on this CPU, provided the result is true fp32."""
    # torch sends fp32 matrix products to MKL, which is slow on AMD, unless oneDNN may use bf16. Without AMX,
    # oneDNN still computes in fp32, and faster; with AMX, the check below revokes the permission.
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"  # type: ignore[attr-defined]
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(256, 256, generator=generator) for _ in range(2))
    exact = a.double() @ b.double()
    error = torch.linalg.vector_norm(a @ b - exact) / torch.linalg.vector_norm(exact)
    if error > TRUE_FP32_ERROR:
        torch.backends.mkldnn.matmul.fp32_precision = "none"  # type: ignore[attr-defined]
