"""`gengap bench ranks=`: several processes of this machine."""

import pytest

from gengap.cli.bench import main
from gengap.errors import UserError

pytestmark = pytest.mark.slow

DIGITS = ("workload=digits_f1", "method=lb_gbn", "precision=fp32", "rounds=1")


def test_ranks_are_measured_with_their_share_of_exchanges(capsys):
    assert main(["ranks=1,2", *DIGITS]) == 0
    _, _, *rows = capsys.readouterr().out.splitlines()
    one, two = ([cell.strip() for cell in row.split("|")[1:-1]] for row in rows)
    assert (one[2], two[2], one[5], one[6]) == ("1", "2", "1.00", "")
    assert 0 < float(two[6].rstrip("%")) < 100


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ranks=3", *DIGITS), "3 ranks can't share a batch of "),
        (("ranks=two", *DIGITS), "ranks=two must be a positive whole number"),
        (("ranks=2", "workload=imagenet_alexnet", "precision=fp32"), "images are held in memory"),
    ],
)
def test_what_can_t_be_measured_is_refused(words, says):
    with pytest.raises(UserError, match=says):
        main(list(words))
