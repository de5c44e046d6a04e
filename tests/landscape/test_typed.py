"""Settings as they are typed, and the names that they give to records."""

import re

import pytest

from gengap.errors import UserError
from gengap.landscape.settings import KINDS, Adaptive, Line, Sharpness, digest
from gengap.landscape.typed import explained, split


def test_lists_make_records_except_where_a_record_holds_them():
    settings, others = split(
        "sharpness", ["seed=0,1", "epsilon=1e-2,1e-4", "batch_norm=trained,batch", "subspace=null,100", "-x"]
    )
    assert others == ["seed=0,1", "-x"]
    assert settings == [
        Sharpness(epsilon=(1e-2, 1e-4), batch_norm=mode, subspace=subspace)
        for mode in ("trained", "batch")
        for subspace in (None, 100)
    ]
    assert split("adaptive", ["rho=[0.1]", "samples=none"])[0] == [Adaptive(rho=(0.1,))]
    assert split("line", [])[0] == [Line()]


def test_a_record_is_named_by_what_differs_from_the_defaults():
    names = [
        digest("sharpness", Sharpness(), {}),
        digest("sharpness", Sharpness(epsilon=(1e-3,)), {}),
        digest("sharpness", Sharpness(batch_norm="batch"), {}),
        digest("adaptive", Adaptive(), {}),
        digest("line", Line(), {"start": "a/seed0"}),
        digest("line", Line(), {"start": "a/seed1"}),
    ]
    assert len(set(names)) == len(names)
    # Committed records are found by these names
    assert names[:4] == ["64903dd3", "cd87826b", "86201c0a", "7238b327"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_is_explained_with_its_default(kind):
    for name, default, text in explained(kind):
        assert split(kind, [f"{name}={default}"])[0] == [KINDS[kind]()]
        assert text


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("epsilon=0", "epsilon=0 must be a finite number above 0 and at most 1e+38"),
        ("epsilon=1e-3,-1", "epsilon=-1 must be a finite number above 0 and at most 1e+38"),
        ("epsilon=nan", "epsilon=nan must be a finite number above 0 and at most 1e+38"),
        ("epsilon=inf", "epsilon=inf must be a finite number above 0 and at most 1e+38"),
        ("eps=1e-3", "unknown key eps: did you mean epsilon?"),
        ("epsilon=small", "epsilon=small must be a number"),
        ("epsilon=", "epsilon has no value: type epsilon=VALUE"),
        ("epsilon=1e-3,", "epsilon has no value: type epsilon=VALUE"),
        ("epsilon", "epsilon has no value: type epsilon=VALUE"),
        ("+epsilon=1", "unknown key +epsilon: did you mean epsilon?"),
        ("espilon=1", "unknown key espilon: did you mean epsilon?"),
        ("rho=1", "rho is a setting of adaptive, not of sharpness: leave it out"),
        ("subspace=0", "subspace=0 must be a whole number from 1 to 1000000"),
        ("subspace=1.5", "subspace=1.5 must be a whole number"),
        ("iterations=null", "iterations=null must be a whole number"),
        ("batch=1", "batch=1 must be a whole number from 2 to 1000000"),
        (
            "batch_norm=running",
            "batch_norm=running is unknown: type batch_norm=trained, batch_norm=recomputed or "
            "batch_norm=batch",
        ),
        ("dtype=float16", "dtype=float16 is unknown: type dtype=float32 or dtype=float64"),
    ],
)
def test_mistakes_in_a_setting(word, message):
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        split("sharpness", [word])


def test_a_value_that_is_listed_twice_is_measured_once():
    settings, _ = split("sharpness", ["epsilon=1e-3,0.001", "batch_norm=batch,batch"])
    assert settings == [Sharpness(epsilon=(1e-3,), batch_norm="batch")]


def test_a_tolerance_of_0_is_refused():
    with pytest.raises(UserError, match=r"^tolerance=0 must be a finite number above 0 and at most 1$"):
        split("curvature", ["tolerance=0"])


def test_a_setting_is_given_once():
    with pytest.raises(UserError, match="^epsilon is given twice: leave one out$"):
        split("sharpness", ["epsilon=1", "epsilon=2"])
