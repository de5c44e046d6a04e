"""What can be typed after `gengap plan`: a question, or one line that says what to type."""

from bisect import bisect_right
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gengap.errors import UserError
from gengap.plan.question import OPTIONAL, REQUIRED, read_question
from tests.plan.words import TYPED, values


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (["large_batch=128"], "above small_batch=256"),
        (["large_batch=256"], "above small_batch=256"),
        (["small_batch=2.5"], "small_batch=2.5 is not a whole number"),
        (["small_batch=0"], "small_batch must be between 1"),
        (["lr=fast"], "lr=fast is not a number"),
        (["lr=nan"], "lr=nan must be finite and above 0"),
        (["lr=1e-999999999"], "must be finite and above 0"),
        (["epochs=-90"], "epochs=-90 must be finite and above 0"),
        (["epochs=90,80"], "epochs=90,80 must be a single number"),
        (["milestones=30,80,60"], "milestones=30,80,60 must ascend"),
        (["milestones=30,30"], "must ascend"),
        (["milestones=30,100"], "100 is not reached in epochs=90"),
        (["lr=0.1,0.01"], "lr has 2 rates for 4 phases"),
        (["lr=0.1,0.01,0.001,0.0001", "gamma=0.1"], "either one lr and gamma"),
        (["ghost_size=100"], "use ghost_size=64 or ghost_size=128"),
        (["ghost_size=5000"], "use ghost_size=4096"),
        (["large_batch=4099"], "use large_batch=4096, or set ghost_size"),
        (["dataset_size=1000"], "more than dataset_size=1000"),
        (["micro_batch=100"], "a multiple of ghost_size=128"),
        (["method=sb"], "has no loop to print: use one of lb_lr, lb_gbn, lb_ra"),
        (["method=lb_lr", "micro_batch=128"], "or add method=lb_gbn"),
        (["optimizer=adam", "momentum=0.8"], "momentum=0.8 is no setting of optimizer=adam: leave it out"),
        (["betas=0.9,0.95"], "betas=0.9,0.95 is no setting of optimizer=sgd"),
        (["optimizer=lion"], "use optimizer=sgd or optimizer=adam"),
        (["momentum=1"], "below 1"),
        (["clip_norm=0"], "clip_norm=0 must be finite and above 0"),
        (["warmup_epochs=31"], "longer than the first phase, which ends at epoch 30"),
    ],
)
def test_a_mistake_says_what_to_type(changes, says):
    with pytest.raises(UserError) as error:
        read_question(values([*TYPED, *changes]))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@given(st.sampled_from(REQUIRED + OPTIONAL), st.text("0123456789.,e-+nainf/_ ", max_size=12))
def test_anything_typed_is_a_question_or_a_mistake(key, value):
    with suppress(UserError):
        question = read_question(values(TYPED) | {key: value})
        assert question.large_batch % question.ghost_size == 0
        assert len(question.lr) == len(question.milestones) + 1


@pytest.mark.parametrize("key", REQUIRED)
def test_a_missing_value_is_named_with_an_example(key):
    with pytest.raises(UserError, match=f"^{key} is missing: add it, for example {key}="):
        read_question({k: v for k, v in values(TYPED).items() if k != key})


def test_the_nearest_ghost_sizes_are_the_nearest():
    for ghost in range(1, 97):
        typed = values(TYPED) | {"small_batch": "12", "large_batch": "96", "ghost_size": f"{ghost}"}
        divisors = [d for d in range(1, 97) if 96 % d == 0]
        if ghost in divisors:
            assert read_question(typed).ghost_size == ghost
            continue
        near = bisect_right(divisors, ghost)
        with pytest.raises(
            UserError, match=f"ghost_size={divisors[near - 1]} or ghost_size={divisors[near]}$"
        ):
            read_question(typed)
