"""Flags of many images as a short text: their bits, eight to a byte, the first the highest, in base64."""

import base64
import binascii

import numpy as np
from numpy.typing import NDArray


def pack(flags: NDArray[np.bool_]) -> str:
    """The text of flags of shape (N,): about N / 6 characters."""
    return base64.b64encode(np.packbits(flags).tobytes()).decode()


def unpack(text: str, count: int) -> NDArray[np.bool_]:
    """The first `count` flags of a text.

    Raises:
        ValueError: it is not such a text, or one of another count.
    """
    try:
        packed = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
    except binascii.Error as error:
        raise ValueError(f"not in base64 ({error})") from error
    if len(packed) != -(-count // 8):
        raise ValueError(f"{len(packed)} bytes are not the bits of {count} images")
    return np.unpackbits(packed, count=count).astype(bool)
