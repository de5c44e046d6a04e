"""Flags of many images as short text: packed eight to a byte, most significant bit first, in base64."""

import base64
import binascii

import numpy as np
from numpy.typing import NDArray


def pack(flags: NDArray[np.bool_]) -> str:
    """Encode flags (N,) as text of about N / 6 characters."""
    return base64.b64encode(np.packbits(flags).tobytes()).decode()


def unpack(text: str, count: int) -> NDArray[np.bool_]:
    """Decode `count` flags from text.

    Raises:
        ValueError: the text is not valid, or encodes a different number of flags.
    """
    try:
        packed = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
    except binascii.Error as error:
        raise ValueError(f"not in base64 ({error})") from error
    if len(packed) != -(-count // 8):
        raise ValueError(f"{len(packed)} bytes are not the bits of {count} images")
    return np.unpackbits(packed, count=count).astype(bool)
