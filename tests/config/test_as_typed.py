"""Settings as the report shows them can be typed again."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from gengap.config.identity import as_typed

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS | st.booleans() | st.none() | st.lists(NUMBERS))
def test_hydra_reads_the_same_value(value) -> None:
    (read,) = OverridesParser.create().parse_overrides([as_typed({"key": value})])
    assert read.value() == value


@pytest.mark.parametrize(
    ("value", "shown"),
    [(40.0, "40"), ([0.1, 1.0], "[0.1,1]"), (2.5, "2.5"), (1e300, "1e+300"), ("uniform",) * 2],
)
def test_whole_numbers_have_no_decimals(value, shown) -> None:
    assert as_typed({"b": value, "a": True}) == f"a=true b={shown}"
