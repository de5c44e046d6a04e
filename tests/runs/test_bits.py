"""Flags as text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gengap.runs.bits import pack, unpack


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_flags_come_back(flags):
    assert list(unpack(pack(np.array(flags)), len(flags))) == flags


def test_ten_thousand_images_take_1668_characters():
    assert len(pack(np.zeros(10_000, dtype=bool))) == 1668


@pytest.mark.parametrize("text", ["AAA", "é", "AAAA", "A*AA"])
def test_what_is_no_text_of_this_many_images(text):
    with pytest.raises(ValueError, match="base64|bits of 9 images|ASCII"):
        unpack(text, 9)
