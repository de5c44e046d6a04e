"""Random numbers in the range of every key that an update sees: it is made, or one line says why not."""

from dataclasses import fields
from typing import get_args

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gengap.config.compose import compose_config
from gengap.config.keys import is_list, keys
from gengap.config.ranges import Range
from gengap.config.schema import Config, Data, Method, Protocol, Workload
from gengap.errors import UserError
from gengap.launch.execute import attempt
from gengap.launch.failure import RunFailedError
from gengap.launch.outcome import Outcome
from gengap.launch.stop import Stop
from tests.config.test_fuzz import EXAMPLES

SECTIONS = {"workload.": Workload, "protocol.": Protocol, "method.": Method, "data.": Data, "": Config}
RANGES: dict[str, Range] = {
    f"{section}{field.name}": field.metadata["range"]
    for section, node in SECTIONS.items()
    for field in fields(node)
    if "range" in field.metadata
}


class AfterOneUpdate(Stop):
    """A reason to stop after every update."""

    def reason(self) -> str:
        return "one update is enough"


def typed(key: str) -> st.SearchStrategy[str]:
    """The key with a number of its range, or two where the recipe has two phases; most of them small."""
    kind, range_ = keys()[key], RANGES[key]
    if int in (kind, *get_args(kind)):
        small = st.integers(max(1, range_.low), min(64, range_.high))
        return st.one_of(small, st.integers(range_.low, range_.high)).map(lambda value: f"{key}={value}")
    small = st.floats(max(range_.low, 1e-6), min(range_.high, 4), exclude_max=range_.high_open)
    any_ = st.floats(range_.low, range_.high, exclude_min=range_.low_open, exclude_max=range_.high_open)
    number = st.one_of(small, any_)
    if not is_list(key):
        return number.map(lambda value: f"{key}={value!r}")
    count = 2 if key in ("workload.lr", "workload.weight_decay") else 1
    return st.lists(number, min_size=count, max_size=count).map(lambda values: f"{key}={values}")


SHORT = ("workload.epochs=4", "workload.milestones=[3]", "runtime.threads=1", "runtime.compile=false")


@given(
    st.lists(st.sampled_from(sorted(RANGES)).flatmap(typed), min_size=1, max_size=3),
    st.sampled_from(["lb", "lb_gbn", "lb_ra"]),
    st.sampled_from(["paper", "bigbatch"]),
)
@settings(
    max_examples=max(10, EXAMPLES // 4), derandomize=EXAMPLES <= 100, database=None,
    deadline=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_every_number_in_range_makes_an_update_or_is_answered(tmp_path_factory, words, method, protocol):
    folder = tmp_path_factory.mktemp("fuzz")
    words = [f"+experiment=digits_{method}", f"protocol={protocol}", *SHORT, *words, f"results_dir={folder}"]
    try:
        outcome = attempt(compose_config(words), AfterOneUpdate(None))
    except RunFailedError as error:
        cause = error.__cause__
    except UserError as error:
        cause = error
    else:
        assert outcome in (Outcome.STOPPED, Outcome.DIVERGED)
        return
    assert isinstance(cause, UserError), cause
