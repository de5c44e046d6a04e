"""Decode one image file to RGB, or fail with a line that names the file and says why."""

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

# Formats in which grayscale of more than 8 bits has a known range: 16 bits, or BITS_PER_SAMPLE in a TIFF
WIDE_FORMATS = ("JPEG2000", "PNG", "PPM", "TIFF")
BITS_PER_SAMPLE, PHOTOMETRIC = 258, 262  # TIFF tags
WHITE_IS_ZERO = 0


def read_resized(path: str | os.PathLike[str], side: int, content: bytes | None = None) -> Tensor:
    """Read an image as uint8 RGB (3, H, W), channels last in memory, with its shorter side resized to `side`.

    Of a file with several frames, it is the first. As in the default loader of
    torchvision.datasets.ImageFolder, transparency is dropped and EXIF orientation is not applied. Unlike
    there, 16-bit grayscale keeps its upper 8 bits, as PIL does for 16-bit color; PIL's conversion to RGB
    would turn everything above 255 white.

    A JPEG is decoded at 1/2, 1/4 or 1/8 of its size if that is enough. The image is then resized as
    torchvision.transforms.v2.Resize does for tensors: bilinear, with antialiasing. H and W follow from the
    original size.

    Args:
        path: path of the image file.
        side: length of the shorter side, in pixels.
        content: content of the file, if it has already been read.

    Raises:
        MachineError: the file can't be opened or read.
        FaultError: it is not a regular file, damaged, in a format PIL can't read, or so large that PIL
            suspects a decompression bomb; its pixels have no known range (modes I and F); or it is so narrow
            that its longer side would exceed PIL's limit.
    """
    image, size = _read(path, side, content)
    width, height = _resized(size, side)
    if Image.MAX_IMAGE_PIXELS and width * height > Image.MAX_IMAGE_PIXELS:
        raise FaultError(
            f"{printable(path)} is too narrow: its {size[0]}x{size[1]} pixels would become "
            f"{width}x{height} with a shorter side of data.resize={side}; replace or remove it"
        )
    # With a leading batch axis, torch recognizes that channels are last in memory, which is twice as fast
    pixels = torch.from_numpy(np.array(image))[None].permute(0, 3, 1, 2)
    return F.interpolate(pixels, (height, width), mode="bilinear", antialias=True)[0]


def _read(
    path: str | os.PathLike[str], side: int, content: bytes | None
) -> tuple[Image.Image, tuple[int, int]]:
    """Read the image as RGB, at least as large as `side` requires, and its original size (width, height)."""
    name = printable(path)
    _silence_decoders()
    try:
        if content is None and not Path(path).is_file():  # reading a named pipe would never end
            raise OSError("it is not a file, nor a link to one")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path if content is None else BytesIO(content)) as image:
                size = image.size
                image.draft(None, _resized(size, side))  # only has an effect on JPEGs
                rgb = _rgb(image)
                mode = image.mode
    except Exception as error:  # PIL's decoders may raise anything on damaged files
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
    """Keep libtiff and PIL from printing their own lines on standard error, which don't name the file.

    This lasts for the life of the process: redirecting file descriptor 2 would also swallow other threads'
    output.
    """
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    with suppress(OSError, AttributeError):  # PIL is built without libtiff, or hides its functions
        library = ctypes.CDLL(_imaging.__file__)  # also finds functions of the libraries that it loads
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
    """Bits per pixel of a grayscale image with more than 8 bits; None if the range is unknown."""
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
