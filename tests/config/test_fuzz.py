"""Random commands over the whole schema: each is trained or answered in one line."""

import logging
import os
import sys
from pathlib import Path
from types import NoneType
from typing import get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gengap.cli.train import main as train
from gengap.config.keys import keys
from gengap.config.schema import Config
from gengap.errors import UserError
from gengap.launch import jobs
from gengap.launch.outcome import Outcome
from gengap.paths import expanded
from gengap.regime import build_regime

EXAMPLES = int(os.environ.get("GENGAP_FUZZ_EXAMPLES", "60"))
BIG = (
    "inf", "-inf", "nan", "1e400", "-1e400", "1e308", "5e-324", str(2**63 - 1), str(2**63), str(2**64),
    "9" * 400, "9" * 5000, "-1", "0", "-0.0", "1", "1.5", "1e3", "1_000", "0x10", "007", "1024", "1025",
)  # fmt: skip
TEXTS = (
    "", "null", "true", "''", '""', "???", "[]", "{}", "[[[]]]", "[" * 2000, "{a:1}", "{1:2,a:3}", "a,b",
    "a b", "../../x", "/etc/x", ".", "..", "a\nb", "a\0b", "\udcff", "\u2028", "é", "💥", "x" * 300,
    "$HOME", "~", "${", "${}", "${seed}", "${nothing}", "${workload}", "${divide:1,0}", "${oc.env:NOTHING}",
    "~nobody", "${workload.lr[0]}", "\\", "'", '"', "choice(1,2)", "range(3)", "glob(*)", "int(1)",
    "sort(1,2)", "a:b", "os:system", "=", "@", "gengap:train", "math:pi", "json:loads", "cpu", "bf16", "f1",
)  # fmt: skip


def values(kind: object) -> st.SearchStrategy[str]:
    """Values for a key of this type, often valid ones."""
    numbers = st.one_of(
        st.sampled_from(BIG),
        st.integers(-2, 4096).map(str),
        st.integers().map(str),
        st.floats(width=64).map(repr),
        st.floats(0, 4, allow_subnormal=False).map(repr),
    )
    lists = st.lists(numbers, max_size=4).map(lambda found: f"[{','.join(found)}]")
    texts = st.one_of(st.sampled_from(TEXTS), st.text(max_size=12))
    if get_origin(kind) is list:
        fitting = lists
    elif kind is bool or bool in get_args(kind):
        fitting = st.sampled_from(["true", "false", "null"])
    elif {int, float} & {kind, *get_args(kind)}:
        fitting = numbers
    else:
        fitting = texts
    nullable = st.just("null") if NoneType in get_args(kind) else st.nothing()
    return st.one_of(fitting, fitting, fitting, nullable, numbers, lists, texts)


OPTION = st.sampled_from(["model.options.width", "model.options.depth", "model.options.other"])
KEYS = st.one_of(st.sampled_from(sorted(keys())), st.sampled_from(sorted(keys())), OPTION)
PREFIX = st.sampled_from(["", "", "", "", "+", "++", "~"])
WORD = KEYS.flatmap(
    lambda key: st.tuples(PREFIX, values(keys().get(key, int))).map(
        lambda typed: f"{typed[0]}{key}={typed[1]}"
    )
)


@pytest.fixture
def answer(monkeypatch, tmp_path):
    """Gives the line that answers a command; "" where training, of which nothing is done, would start."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    started: list[Config] = []

    def start(job, stop, place):
        assert 0 < build_regime(job.config, 1437).updates < 2**63
        assert job.directory.parent.parent == expanded(job.config.results_dir) / "runs"
        started.append(job.config)
        return Outcome.FINISHED

    def run(words):
        before = len(started)
        try:
            train(words)
        except UserError as error:
            return str(error)
        assert len(started) > before
        return ""

    monkeypatch.setattr(jobs, "train_one", start)
    return run


@given(st.lists(WORD, min_size=1, max_size=3), st.booleans())
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES <= 100, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_random_settings_train_or_are_answered_in_one_line(answer, words, multirun):
    line = answer(["+experiment=digits_lb_gbn", *(["-m"] if multirun else []), *words])
    assert len(line.splitlines()) <= 1
    assert len(line) < 2000
    assert list(Path().iterdir()) == []
