"""Max pooling in Triton for channels_last memory, with a backward pass that reads few addresses per pixel."""

from typing import Any

import torch
from torch import Tensor, nn

from gengap.layers import max_pool_kernels as kernels

BLOCK = 1024  # elements per program


class MaxPool2d(nn.MaxPool2d):
    """nn.MaxPool2d for square windows without padding or dilation, for images on a GPU."""

    def forward(self, input: Tensor) -> Tensor:
        """Map images (B, C, H, W) to (B, C, 1 + (H - size) // stride, 1 + (W - size) // stride)."""
        size, stride = square(self)
        pooled: Tensor = max_pool(input, size, stride)[0]
        return pooled


def square(pool: nn.MaxPool2d) -> tuple[int, int]:
    """Side length and stride of a pool's windows; 0 for one that differs between the two dimensions."""
    pairs = [(v, v) if isinstance(v, int) else tuple(v) for v in (pool.kernel_size, pool.stride)]
    size, stride = (first if first == second else 0 for first, second in pairs)
    return size, stride


@torch.library.custom_op("gengap::max_pool", mutates_args=())
def max_pool(images: Tensor, size: int, stride: int) -> tuple[Tensor, Tensor]:
    """Compute the maximum of each window and its position there (uint8, row-major; ties go to the first).

    Args:
        images: images (B, C, H, W).
        size: height and width of a window, at most 16.
        stride: distance between neighboring windows, in pixels.
    """
    images = images.contiguous(memory_format=torch.channels_last)
    pooled, positions = _outputs(images, size, stride)
    batch, channels, height, width = pooled.shape
    grid = (batch * height, _ceil_div(width * channels, BLOCK))
    kernels.forward[grid](
        images,
        pooled,
        positions,
        *images.shape[1:],
        height,
        width,
        SIZE=size,
        STRIDE=stride,
        WIDE=kernels.wide(images.dtype),
        BLOCK=BLOCK,
    )
    return pooled, positions


@max_pool.register_fake
def _outputs(images: Tensor, size: int, stride: int) -> tuple[Tensor, Tensor]:
    batch, channels, height, width = images.shape
    shape = batch, channels, (height - size) // stride + 1, (width - size) // stride + 1
    pooled = _empty(shape, images)
    return pooled, torch.empty_like(pooled, dtype=torch.uint8)


@torch.library.custom_op("gengap::max_pool_backward", mutates_args=())
def max_pool_backward(
    gradient: Tensor, positions: Tensor, height: int, width: int, size: int, stride: int
) -> Tensor:
    """Compute the images' gradient (B, C, height, width) from that of the maxima and their positions."""
    gradient = gradient.contiguous(memory_format=torch.channels_last)
    images: Tensor = _images(gradient, positions, height, width, size, stride)
    batch, channels, pooled_height, pooled_width = gradient.shape
    cells = _ceil_div(width, stride)
    grid = (batch * _ceil_div(height, stride), _ceil_div(cells * channels, BLOCK))
    kernels.backward[grid](
        gradient,
        positions,
        images,
        *images.shape[1:],
        pooled_height,
        pooled_width,
        SIZE=size,
        STRIDE=stride,
        WIDE=kernels.wide(gradient.dtype),
        BLOCK=BLOCK,
    )
    return images


@max_pool_backward.register_fake
def _images(gradient: Tensor, positions: Tensor, height: int, width: int, size: int, stride: int) -> Tensor:
    return _empty((*gradient.shape[:2], height, width), gradient)


def _empty(shape: tuple[int, ...], like: Tensor) -> Tensor:
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)


def _ceil_div(number: int, divisor: int) -> int:
    return -(-number // divisor)


def _save(ctx: Any, inputs: tuple[Tensor, int, int], output: tuple[Tensor, Tensor]) -> None:
    images, ctx.size, ctx.stride = inputs
    ctx.height, ctx.width = images.shape[2:]
    ctx.save_for_backward(output[1])


def _differentiate(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Any, None, None]:
    (positions,) = ctx.saved_tensors
    images = max_pool_backward(gradient, positions, ctx.height, ctx.width, ctx.size, ctx.stride)
    return images, None, None


max_pool.register_autograd(_differentiate, setup_context=_save)
