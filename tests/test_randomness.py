"""Random numbers are part of every result, so the values below must never change."""

import pytest

from gengap.randomness import Purpose, generator, key

# (seed 0, time 0) and (seed 7, time 123456) of each purpose
KEYS = {
    Purpose.INIT: (7896617691693857887, 4274725388363961167),
    Purpose.ORDER: (2918264622725855778, 3517845866659274800),
    Purpose.CROP: (8597659618385908031, 607758953425583321),
    Purpose.FLIP: (3291213472928352369, 7056639047256297565),
    Purpose.DROPOUT: (2494635221133837528, 8567272965130785190),
    Purpose.NOISE: (6102389744414414618, 8286546833288766735),
    Purpose.HOLDOUT: (3656545308831359172, 483915131030681378),
    Purpose.SUBSPACE: (4625441644015172652, 34468105831195959),
    Purpose.DIRECTION: (71300412144211962, 4981319004595713125),
    Purpose.DRAW: (5949034261645103510, 2846416400242475743),
    Purpose.PROBE: (7570335421732594259, 6811014286478813940),
    Purpose.SAMPLE: (1185441883537222340, 4450353151218037030),
    Purpose.MOTION: (6271193188109598843, 5598058368582718864),
    Purpose.BN_WEIGHT: (1567762815059175855, 1932828809624673200),
}


@pytest.mark.parametrize("purpose", Purpose)
def test_keys_are_the_ones_that_every_record_was_made_with(purpose):
    assert (key(0, purpose, 0), key(7, purpose, 123_456)) == KEYS[purpose]


def test_an_order_is_the_one_that_every_record_was_made_with():
    assert generator(3, Purpose.ORDER, 2).permutation(10).tolist() == ORDER


ORDER = [7, 2, 3, 8, 5, 4, 6, 0, 9, 1]
