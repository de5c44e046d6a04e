"""Max pooling in channels_last memory, whose backward pass reads few addresses for each pixel (Triton)."""

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

BLOCK = 1024  # elements per program


class MaxPool2d(nn.MaxPool2d):
    """An nn.MaxPool2d of square windows without padding or dilation, for images on a GPU."""

    def forward(self, input: Tensor) -> Tensor:
        """Map images (B, C, H, W) to (B, C, 1 + (H - size) // stride, 1 + (W - size) // stride)."""
        size, stride = square(self)
        pooled: Tensor = max_pool(input, size, stride)[0]
        return pooled


def square(pool: nn.MaxPool2d) -> tuple[int, int]:
    """Side and stride of a pool's windows, 0 where the two dimensions differ."""
    pairs = [(v, v) if isinstance(v, int) else tuple(v) for v in (pool.kernel_size, pool.stride)]
    size, stride = (first if first == second else 0 for first, second in pairs)
    return size, stride


@torch.library.custom_op("gengap::max_pool", mutates_args=())
def max_pool(images: Tensor, size: int, stride: int) -> tuple[Tensor, Tensor]:
    """The maximum of each window, and its position in the window (uint8, row by row; the first of equals).

    Args:
        images: (B, C, H, W).
        size: height and width of a window, at most 16.
        stride: rows or columns from one window to the next.
    """
    images = images.contiguous(memory_format=torch.channels_last)
    pooled, positions = _outputs(images, size, stride)
    batch, channels, height, width = pooled.shape
    grid = (batch * height, triton.cdiv(width * channels, BLOCK))
    _forward[grid](
        images,
        pooled,
        positions,
        *images.shape[1:],
        height,
        width,
        SIZE=size,
        STRIDE=stride,
        WIDE=_wide(images),
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
    """The gradient (B, C, height, width) of the images, from that of the maxima and their positions."""
    gradient = gradient.contiguous(memory_format=torch.channels_last)
    images = _images(gradient, positions, height, width, size, stride)
    batch, channels, pooled_height, pooled_width = gradient.shape
    cells = triton.cdiv(width, stride)
    grid = (batch * triton.cdiv(height, stride), triton.cdiv(cells * channels, BLOCK))
    _backward[grid](
        gradient,
        positions,
        images,
        *images.shape[1:],
        pooled_height,
        pooled_width,
        SIZE=size,
        STRIDE=stride,
        WIDE=_wide(gradient),
        BLOCK=BLOCK,
    )
    return images


@max_pool_backward.register_fake
def _images(gradient: Tensor, positions: Tensor, height: int, width: int, size: int, stride: int) -> Tensor:
    return _empty((*gradient.shape[:2], height, width), gradient)


def _empty(shape: tuple[int, ...], like: Tensor) -> Tensor:
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)


def _wide(tensor: Tensor) -> tl.dtype:
    return tl.float64 if tensor.dtype == torch.float64 else tl.float32


def _save(ctx, inputs, output) -> None:  # type: ignore[no-untyped-def]
    images, ctx.size, ctx.stride = inputs
    ctx.height, ctx.width = images.shape[2:]
    ctx.save_for_backward(output[1])


def _differentiate(ctx, gradient, _):  # type: ignore[no-untyped-def]
    (positions,) = ctx.saved_tensors
    return max_pool_backward(gradient, positions, ctx.height, ctx.width, ctx.size, ctx.stride), None, None


max_pool.register_autograd(_differentiate, setup_context=_save)


@triton.jit  # type: ignore[untyped-decorator]
def _forward(  # type: ignore[no-untyped-def]
    images,
    pooled,
    positions,
    C: tl.constexpr,
    H: tl.constexpr,
    W: tl.constexpr,
    OH: tl.constexpr,
    OW: tl.constexpr,
    SIZE: tl.constexpr,
    STRIDE: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """One row of one image's windows, or a block of it; a row is (OW, C) in memory."""
    row = tl.program_id(0).to(tl.int64)
    element = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    column, channel = element // C, element % C
    inside = column < OW
    first = images + ((row // OH) * H + (row % OH) * STRIDE) * W * C + column * STRIDE * C + channel
    best = tl.full([BLOCK], float("-inf"), WIDE)
    position = tl.zeros([BLOCK], tl.uint8)
    for y in tl.static_range(SIZE):
        for x in tl.static_range(SIZE):
            value = tl.load(first + (y * W + x) * C, mask=inside).to(WIDE)
            larger = (value > best) | (value != value)  # as torch, which lets nan win
            best = tl.where(larger, value, best)
            position = tl.where(larger, y * SIZE + x, position).to(tl.uint8)
    tl.store(pooled + row * OW * C + element, best.to(pooled.dtype.element_ty), mask=inside)
    tl.store(positions + row * OW * C + element, position, mask=inside)


@triton.jit  # type: ignore[untyped-decorator]
def _backward(  # type: ignore[no-untyped-def]
    gradient,
    positions,
    images,
    C: tl.constexpr,
    H: tl.constexpr,
    W: tl.constexpr,
    OH: tl.constexpr,
    OW: tl.constexpr,
    SIZE: tl.constexpr,
    STRIDE: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """A row of cells of STRIDE x STRIDE pixels: which windows can cover a pixel depends on its place in the cell."""
    CELL_ROWS: tl.constexpr = (H + STRIDE - 1) // STRIDE
    REACH: tl.constexpr = (SIZE + STRIDE - 1) // STRIDE
    image = tl.program_id(0).to(tl.int64) // CELL_ROWS
    cell_row = tl.program_id(0) % CELL_ROWS
    element = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    cell, channel = element // C, element % C
    for y in tl.static_range(STRIDE):
        for x in tl.static_range(STRIDE):
            total = tl.zeros([BLOCK], WIDE)
            for up in tl.static_range(REACH):
                for left in tl.static_range(REACH):
                    if y + up * STRIDE < SIZE and x + left * STRIDE < SIZE:
                        row, column = cell_row - up, cell - left
                        covers = (row >= 0) & (row < OH) & (column >= 0) & (column < OW)
                        window = ((image * OH + row) * OW + column) * C + channel
                        position = tl.load(positions + window, mask=covers, other=0)
                        value = tl.load(gradient + window, mask=covers, other=0).to(WIDE)
                        here = position == (y + up * STRIDE) * SIZE + x + left * STRIDE
                        total += tl.where(here & covers, value, 0.0)
            pixel_row, pixel_column = cell_row * STRIDE + y, cell * STRIDE + x
            pixel = ((image * H + pixel_row) * W + pixel_column) * C + channel
            tl.store(
                images + pixel, total.to(images.dtype.element_ty), mask=(pixel_row < H) & (pixel_column < W)
            )
