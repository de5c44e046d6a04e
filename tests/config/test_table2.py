"""The ImageNet cells (Table 2): their settings, and their exact number of updates."""

from math import sqrt

import pytest

from gengap.config.compose import compose_config
from gengap.regime import build_regime

IMAGENET = 1_281_167  # training images; 10009.1171875 updates per epoch at batch 128
SMALL = (300_273, (100_091, 150_136, 200_182, 250_227))  # 30, 10, 15, 20, 25 epochs, rounded down
AT_2048 = (18_767, (6_255, 9_383, 12_511, 15_639))
AT_4096 = (9_383, (3_127, 4_691, 6_255, 7_819))
AT_8192 = (4_691, (1_563, 2_345, 3_127, 3_909))


@pytest.mark.parametrize(
    ("experiment", "batch", "ghost", "lr_factor", "regime_factor", "schedule"),
    [
        ("imagenet_sb", 128, None, 1, 1, SMALL),
        ("imagenet_lb", 2048, None, 1, 1, AT_2048),
        ("imagenet_lb_lr", 2048, None, sqrt(16), 1, AT_2048),
        ("imagenet_lb_gbn", 4096, 128, sqrt(32), 1, AT_4096),
        ("imagenet_lb_ra", 4096, 128, sqrt(32), 32, SMALL),
        ("imagenet_8k_lb_gbn", 8192, 128, sqrt(64), 1, AT_8192),
        ("imagenet_8k_lb_ra", 8192, 128, sqrt(64), 64, SMALL),
    ],
)
def test_cells_have_the_batch_size_rates_and_updates_of_the_paper(
    experiment, batch, ghost, lr_factor, regime_factor, schedule
):
    config = compose_config([f"+experiment={experiment}"])
    method, found = config.method, build_regime(config, IMAGENET)
    assert (method.batch_size, method.ghost_size) == (batch, ghost)
    assert method.regime_factor == regime_factor
    assert (found.updates, found.milestones) == schedule
    assert found.lr == pytest.approx([r * lr_factor for r in (1e-2, 5e-3, 1e-3, 5e-4, 1e-4)])
    # In the released code's recipe, weight decay is 0 from the third phase on
    decays = [found.weight_decay_at(u) for m in found.milestones for u in (m - 1, m)]
    assert decays == [5e-4, 5e-4, 5e-4, 0, 0, 0, 0, 0]
    assert config.protocol.momentum == 0.9
    assert len(found.evaluations) == 30
