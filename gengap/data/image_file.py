"""One image file, decoded to RGB, or a line that names it and says why it can't be."""

import ctypes
import logging
import os
import warnings
from contextlib import suppress
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError, _imaging
from torch import Tensor
from torch.nn import functional as F

from gengap.errors import FaultError, printable
from gengap.faults import is_of_machine, machine_error

# Formats whose grayscale of more than 8 bits has a known range: 16 bits, in a TIFF BITS_PER_SAMPLE
WIDE_FORMATS = ("JPEG2000", "PNG", "PPM", "TIFF")
BITS_PER_SAMPLE, PHOTOMETRIC = 258, 262  # tags of a TIFF
WHITE_IS_ZERO = 0


def read_resized(path: str | os.PathLike[str], side: int, content: bytes | None = None) -> Tensor:
    """The image of a file (3, H, W) uint8 in RGB, its shorter side resized to `side` pixels, channels last.

    A JPEG is decoded at 1/2, 1/4 or 1/8 of its size where that is enough. Then it is resized as
    torchvision.transforms.v2.Resize resizes a tensor: bilinear, with antialiasing. H and W follow from the
    size in the file.

    Args:
        path: of the file.
        side: in pixels.
        content: of the file, where it has been read already.

    Raises:
        FaultError: as in `read_rgb`, or it is so narrow that the other side would become too
            long for PIL.
    """
    image, size = _read(path, side, content)
    width, height = _resized(size, side)
    if Image.MAX_IMAGE_PIXELS and width * height > Image.MAX_IMAGE_PIXELS:
        raise FaultError(
            f"{printable(path)} is too narrow: its {size[0]}x{size[1]} pixels would become "
            f"{width}x{height} with a shorter side of data.resize={side}; replace or remove it"
        )
    # The axis of the batch comes first: only then torch sees that channels are last, which is twice as fast
    pixels = torch.from_numpy(np.array(image))[None].permute(0, 3, 1, 2)
    return F.interpolate(pixels, (height, width), mode="bilinear", antialias=True)[0]


def read_rgb(path: str | os.PathLike[str]) -> Image.Image:
    """The first frame of an image file, as the default loader of torchvision.datasets.ImageFolder returns it.

    As there, transparency is dropped and the orientation in EXIF is not applied. Unlike there, 16-bit
    grayscale keeps its upper 8 bits, as PIL does with 16-bit color; PIL's conversion to RGB would turn
    everything above 255 white.

    Raises:
        MachineError: it can't be opened or read.
        FaultError: it is no file, damaged, in no format that PIL reads, so large that PIL suspects a
            decompression bomb, or its pixels have no known range (modes I and F).
    """
    return _read(path)[0]


def _read(
    path: str | os.PathLike[str], side: int | None = None, content: bytes | None = None
) -> tuple[Image.Image, tuple[int, int]]:
    """The image in RGB, not smaller than `side` needs it, and the size in the file as (width, height)."""
    name = printable(path)
    _silence_decoders()
    try:
        if content is None and not Path(path).is_file():  # reading a named pipe would never end
            raise OSError("it is not a file, nor a link to one")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are about metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path if content is None else BytesIO(content)) as image:
                size = image.size
                if side is not None:
                    image.draft(None, _resized(size, side))  # does nothing but in a JPEG
                rgb = _rgb(image)
                mode = image.mode
    except Exception as error:  # PIL's decoders raise anything on damaged files
        if isinstance(error, OSError) and is_of_machine(error):
            raise machine_error(error, path) from error
        reason = _reason(path, error)
        raise FaultError(f"{name} can't be read as an image: replace or remove it ({reason})") from error
    if rgb is None:
        raise FaultError(
            f"{name} can't be read: the range of its pixels (PIL's mode {mode}) is not known; "
            "save it with 8 or 16 bits per channel"
        )
    return rgb, size


@cache
def _silence_decoders() -> None:
    """Keep libtiff and PIL from printing lines of their own on standard error, which name no file.

    In this process, for good: redirecting file descriptor 2 would take the lines of other threads, too.
    """
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    with suppress(OSError, AttributeError):  # PIL is built without libtiff, or hides its functions
        library = ctypes.CDLL(_imaging.__file__)  # finds those of the libraries that it loads
        library.TIFFSetErrorHandler(None)
        library.TIFFSetWarningHandler(None)


def _resized(size: tuple[int, int], side: int) -> tuple[int, int]:
    width, height = size
    return side * width // min(size), side * height // min(size)


def _rgb(image: Image.Image) -> Image.Image | None:
    if image.mode == "RGB":
        image.load()
        return image
    if image.mode not in ("I", "F") and not image.mode.startswith("I;"):
        return image.convert("RGB")
    bits = _gray_bits(image)
    if bits is None:
        return None
    gray = np.asarray(image) >> (bits - 8)
    if image.format == "TIFF" and image.getexif().get(PHOTOMETRIC) == WHITE_IS_ZERO:
        gray = 255 - gray
    return Image.fromarray(gray.astype(np.uint8)).convert("RGB")


def _gray_bits(image: Image.Image) -> int | None:
    """Bits per pixel of grayscale with more than 8, None where the range is not known."""
    if image.format not in WIDE_FORMATS or image.mode == "F":
        return None
    if image.format != "TIFF":
        return 16
    bits = image.getexif().get(BITS_PER_SAMPLE)
    return int(bits) if image.mode != "I" and isinstance(bits, int) else None


def _reason(path: str | os.PathLike[str], error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is empty" if _is_empty(path) else "it is in no format that PIL reads"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__


def _is_empty(path: str | os.PathLike[str]) -> bool:
    return Path(path).is_file() and not Path(path).stat().st_size
