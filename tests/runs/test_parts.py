"""The parts of a record that another version or machine continued."""

import pytest

from gengap.runs.parts import continued, joined, parts
from gengap.runs.schema import record_damage
from tests.records import record

LAPTOP, SERVER, OTHER = (
    {
        "versions": {"torch": "2.11.0"},
        "git_commit": commit,
        "hardware": {"device": "cpu", "name": name, "threads": 1},
    }
    for name, commit in (("laptop", "1"), ("server", "1"), ("server", "2"))
)


def run(*processes):
    """The record of a run whose processes begin after so many updates."""
    found = {}
    for origin, done in processes:
        found |= continued(found, origin, done)
    return found


def shown(found):
    return [(part["began_after"], part["hardware"]["name"], part["git_commit"]) for part in parts(found)]


@pytest.mark.parametrize(
    ("processes", "expected"),
    [
        ([(LAPTOP, 0)], [(0, "laptop", "1")]),
        ([(LAPTOP, 0), (LAPTOP, 7)], [(0, "laptop", "1")]),
        ([(LAPTOP, 0), (SERVER, 7)], [(0, "laptop", "1"), (7, "server", "1")]),
        (
            [(LAPTOP, 0), (SERVER, 7), (OTHER, 9)],
            [(0, "laptop", "1"), (7, "server", "1"), (9, "server", "2")],
        ),
        # Ended before their first checkpoint, or went on from an older one
        ([(LAPTOP, 0), (SERVER, 0)], [(0, "server", "1")]),
        ([(LAPTOP, 0), (SERVER, 7), (LAPTOP, 7)], [(0, "laptop", "1")]),
        ([(LAPTOP, 0), (SERVER, 7), (OTHER, 5)], [(0, "laptop", "1"), (5, "server", "2")]),
        ([(LAPTOP, 0), (SERVER, 7), (LAPTOP, 0)], [(0, "laptop", "1")]),
    ],
)
def test_parts_are_those_of_which_something_is_left(processes, expected):
    found = run(*processes)
    assert shown(found) == expected
    assert record_damage(record(**found)) == ""


def test_an_older_record_says_where_its_first_part_began_only():
    older = {**OTHER, "earlier": [LAPTOP, SERVER]}
    assert shown(older) == [(0, "laptop", "1"), (None, "server", "1"), (None, "server", "2")]
    assert shown(older | continued(older, OTHER, 9)) == shown(older)
    assert shown(older | continued(older, LAPTOP, 9)) == [*shown(older), (9, "laptop", "1")]
    assert shown(older | continued(older, LAPTOP, 0)) == [(0, "laptop", "1")]
    assert record_damage(record(**older | continued(older, OTHER, 9))) == ""


@pytest.mark.parametrize("wrong", [{"began_after": -1}, {"earlier": [LAPTOP | {"began_after": "x"}]}])
def test_an_impossible_start_is_damage(wrong):
    assert "began_after is not a whole number" in record_damage(record(**wrong))


def test_what_parts_say_is_joined_in_order_and_once():
    assert joined(["b", None, "a", "b"]) == "b; a"
    assert joined([None]) is None
    assert joined([""]) == ""
