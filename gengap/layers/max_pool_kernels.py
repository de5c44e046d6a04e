"""Triton kernels for max pooling; images are (B, H, W, C) in memory."""

import torch
import triton
import triton.language as tl


def wide(dtype: torch.dtype) -> tl.dtype:
    """The type a kernel computes in."""
    return tl.float64 if dtype == torch.float64 else tl.float32


@triton.jit  # type: ignore[untyped-decorator]
def forward(  # type: ignore[no-untyped-def]
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
    """Compute the maxima of one row of windows of one image, or of a block of that row."""
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
            larger = (value > best) | (value != value)  # nan wins, as in torch
            best = tl.where(larger, value, best)
            position = tl.where(larger, y * SIZE + x, position).to(tl.uint8)
    tl.store(pooled + row * OW * C + element, best.to(pooled.dtype.element_ty), mask=inside)
    tl.store(positions + row * OW * C + element, position, mask=inside)


@triton.jit  # type: ignore[untyped-decorator]
def backward(  # type: ignore[no-untyped-def]
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
    """Compute the gradient for one row of cells of STRIDE x STRIDE pixels, or for a block of that row.

    A pixel's place in its cell determines which windows can cover it, and at which position.
    """
    CELL_ROWS: tl.constexpr = (H + STRIDE - 1) // STRIDE
    REACH: tl.constexpr = (SIZE + STRIDE - 1) // STRIDE
    image = tl.program_id(0).to(tl.int64) // CELL_ROWS
    element = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    cell, channel = element // C, element % C
    cell_row = tl.program_id(0) % CELL_ROWS + tl.zeros_like(cell)
    for y in tl.static_range(STRIDE):
        for x in tl.static_range(STRIDE):
            total = tl.zeros([BLOCK], WIDE)
            for up in tl.static_range(REACH):
                for left in tl.static_range(REACH):
                    if y + up * STRIDE < SIZE and x + left * STRIDE < SIZE:
                        row, column = cell_row - up, cell - left
                        covers = (column >= 0) & (column < OW) & (row >= 0) & (row < OH)
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
