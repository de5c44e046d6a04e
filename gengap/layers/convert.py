"""Replace a model's layers with faster GPU versions."""

from torch import nn

from gengap.layers.packed_conv import PackedConv2d, can_pack

LARGEST_WINDOW = 16  # positions in a window are stored in 8 bits


def use_gpu_layers(model: nn.Module, *, bf16: bool) -> nn.Module:
    """Convert a model's layers in place to this package's versions wherever they apply; return the model.

    Parameters and buffers are preserved, and results are the same up to rounding. Convolutions are packed in
    bfloat16 only: without tensor cores, the zeros in a packed kernel would cost time.

    Args:
        model: model on a GPU.
        bf16: whether its forward pass is autocast to bfloat16.
    """
    from gengap.layers.max_pool import MaxPool2d, square  # needs Triton, which comes with torch for GPUs

    for module in model.modules():
        if type(module) is nn.Conv2d and bf16 and can_pack(module):
            module.__class__ = PackedConv2d
        elif type(module) is nn.MaxPool2d and _is_plain(module) and 0 not in square(module):
            module.__class__ = MaxPool2d
    return model


def _is_plain(pool: nn.MaxPool2d) -> bool:
    size = pool.kernel_size if isinstance(pool.kernel_size, int) else max(pool.kernel_size)
    return (
        pool.padding in (0, (0, 0))
        and pool.dilation in (1, (1, 1))
        and not pool.ceil_mode
        and not pool.return_indices
        and size <= LARGEST_WINDOW
    )
