"""Several ranks make the updates of one process: real processes over gloo, in float64."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from gengap.data.load import load
from gengap.data.splits import split
from gengap.data.stream import Stream
from gengap.errors import UserError
from gengap.faults import MachineError
from gengap.regime import build_regime
from gengap.training.build import build_trainer
from gengap.training.flat import Flat
from gengap.training.ranks import ALONE, Ranks
from gengap.training.shares import share
from gengap.training.team import Team
from gengap.training.trainer import Trainer
from tests.conftest import composed
from tests.photographs import write_photographs
from tests.ranks import pool
from tests.training.updates import CPU, Double

pytestmark = pytest.mark.slow

UPDATES = 5
CONVOLUTIONAL = "model.name=tests.networks:convolutional"
DROPOUT = "model.name=tests.networks:norm_and_dropout"
BIGBATCH = "protocol=bigbatch"

CASES = {
    "ghosts": ("lb_gbn",),
    "batch norm of the whole batch": ("lb",),
    "noise, clipped, in micro-batches": (
        "lb_gbn",
        "method.gradient_noise=3",
        "method.clip_norm=0.1",
        "runtime.micro_batch=64",
    ),
    "noise, clipped, whole batch": ("lb", "method.gradient_noise=31", "method.clip_norm=0.1"),
    "augmentation": ("lb_gbn", "data.crop_padding=2", "data.flip=true", "data.rotation=10", "data.shift=0.1"),
    "adam": ("lb_gbn", "workload.optimizer=adam"),
    "partial batches": ("lb_gbn", BIGBATCH),
    "partial batches, whole": ("lb", BIGBATCH),
    "fewer ghosts than ranks": (
        "lb_gbn",
        BIGBATCH,
        "data.limit=265",
        "method.batch_size=256",
        "method.ghost_size=64",
    ),
    "fewer samples than ranks": ("lb", BIGBATCH, "data.limit=131", "method.batch_size=128"),
    "convolutions in ghosts": ("lb_gbn", CONVOLUTIONAL),
    "convolutions, whole batch": ("lb", CONVOLUTIONAL),
    "dropout": ("lb", "model.name=tests.networks:with_dropout"),
    "dropout, whole batch": ("lb", DROPOUT),
    "dropout in ghosts": ("lb_gbn", DROPOUT),
    "dropout in blocks that ranks don't share": ("lb_gbn", DROPOUT, "runtime.micro_batch=256"),
    "dropout in small blocks": ("lb_gbn", DROPOUT, "runtime.micro_batch=32"),
    "dropout, partial batches": ("lb_gbn", DROPOUT, BIGBATCH),
    "dropout, adversarial": ("lb_gbn", DROPOUT, "method.adversarial=0.05", "runtime.micro_batch=128"),
    "adversarial, growing batch": (
        "lb_gbn",
        "method.adversarial=0.05",
        "method.earlier_batches=[64,128]",
        "method.batch_milestones=[0.1,0.2]",
    ),
    "adversarial, whole batch": ("lb", "method.adversarial=0.1"),
    "conservative": ("lb_gbn", "method.proximal=3", "method.proximal_steps=2", DROPOUT),
    "image files, some of them bad": (
        "lb_gbn",
        "data=imagenet",
        "data.root=PHOTOGRAPHS",
        "data.resize=32",
        "data.crop=28",
        "model.name=tests.networks:small_alexnet",
        "method.batch_size=16",
        "method.ghost_size=4",
        "runtime.workers=0",
    ),
    "compiled": ("lb_gbn", "runtime.compile=true"),
}


def sizes(name):
    """Numbers of ranks; compiling takes long on each."""
    return (1, 2) if name == "compiled" else (1, 2, 4)


def double_trainer(config, ranks=ALONE):
    """A trainer in float64, of this rank."""
    source = load(config.data.name, config.data.root, config.data.folder)
    splits = split(source, config.data, config.seed)
    regime = build_regime(config, len(splits.train))
    plain = build_trainer(config, source, splits, regime, CPU)
    part = partial(share, method=config.method, rank=ranks.rank, ranks=ranks.size)
    train = plain.train
    stream = Stream(config.seed, regime.batches, train.crop_positions, moving=train.moving, share=part)
    return Trainer(config, Double(copy.deepcopy(plain.model)), train, stream, regime, ranks)


def trained(config, ranks=ALONE):
    """Everything that updates change, and an evaluation."""
    trainer = double_trainer(config, ranks)
    for update in range(UPDATES):
        trainer.train_step(update)
    loss, error, _ = trainer.evaluate(trainer.train)
    state = trainer.state_dict()
    wrong = torch.from_numpy(trainer.misclassified(trainer.train)).double()
    assert 100 * wrong.mean() == pytest.approx(error)
    return state.pop("buffers") | state | {"evaluation": torch.tensor([loss, error]), "misclassified": wrong}


@pytest.fixture(scope="module")
def configs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    root = str(write_photographs(folder))
    return {
        name: composed(
            [f"+experiment=digits_{method}", *(w.replace("PHOTOGRAPHS", root) for w in words)], folder
        )
        for name, (method, *words) in CASES.items()
    }


@pytest.fixture(scope="module")
def found(configs):
    """By case and number of ranks, what each rank ends with."""
    tasks = {(name, n): (n, partial(trained, configs[name])) for name in configs for n in sizes(name)}
    with pool(4) as run:
        return dict(zip(tasks, run(list(tasks.values())), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_ranks_make_the_updates_of_one_process(name, configs, found):
    ((expected, *_), *more) = (found[name, ranks] for ranks in sizes(name))
    # ADAM divides by tiny numbers, and so does batch norm of three samples: rounding is amplified
    atol = 1e-9 if configs[name].workload.optimizer == "adam" else 1e-12
    close = {"rtol": 1e-10 if name.startswith("fewer") else 1e-12, "atol": atol}
    for first, *others in more:
        assert all(torch.equal(first[key], other[key]) for other in others for key in first)
        for key, value in expected.items():
            torch.testing.assert_close(first[key], value, msg=lambda m, k=key: f"{k}: {m}", **close)


def unlike_dropout(num_classes, in_features):
    return nn.Sequential(nn.Flatten(), nn.Linear(in_features, num_classes), nn.AlphaDropout())


def cumulative(num_classes, in_features):
    norm = nn.BatchNorm1d(in_features, momentum=None)
    return nn.Sequential(nn.Flatten(), norm, nn.Linear(in_features, num_classes))


def untracked(num_classes, in_features):
    norm = nn.BatchNorm1d(in_features, track_running_stats=False)
    return nn.Sequential(nn.Flatten(), norm, nn.Linear(in_features, num_classes))


def own_kind(num_classes, in_features):
    return nn.Sequential(nn.Flatten(), OwnNorm(in_features), nn.Linear(in_features, num_classes))


class OwnNorm(nn.BatchNorm1d):
    """A subclass, which may normalize in its own way."""


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.seen += len(x)
        return x


def counting(num_classes, in_features):
    return nn.Sequential(nn.Flatten(), nn.Linear(in_features, num_classes), Counting())


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (unlike_dropout, "draws random numbers other than those of nn.Dropout"),
        (cumulative, "batch norm with momentum=None"),
        (untracked, "batch norm without running statistics"),
        (own_kind, "has a OwnNorm"),
        (counting, "changes 2.seen in training"),
    ],
)
def test_what_ranks_can_t_share_is_refused(network, says, digits):
    name = f"model.name=tests.training.test_ranks:{network.__name__}"
    config = digits("lb", name, "~model.options.width")
    model = network(10, 64).train()
    with pytest.raises(UserError, match=says):
        Team(config, model, (1, 8, 8), Flat(model), Ranks(0, 2), CPU)


def test_a_gradient_summed_in_bf16_is_rounded(configs):
    config = copy.deepcopy(configs["ghosts"])
    exact = trained(config)["weights"]
    config.runtime.reduce = "bf16"
    with pool(2) as run:
        ((first, second),) = run([(2, partial(trained, config))])
    assert torch.equal(first["weights"], second["weights"])
    gap = torch.linalg.vector_norm(first["weights"] - exact) / torch.linalg.vector_norm(exact)
    assert 1e-7 < gap < 1e-2


def agreements(ranks):
    """What comes of acts of which one rank's fails."""

    def act(failing):
        if ranks.rank == failing:
            raise (MachineError if failing else UserError)("no")
        return f"by {ranks.rank}"

    def text_of(agree, failing):
        try:
            return agree(partial(act, failing))
        except UserError as error:
            return f"{type(error).__name__} {error}"

    ways = (ranks.first, ranks.together, ranks.one_per_machine_first)
    return (
        [text_of(way, failing) for way in ways for failing in (None, 0, 1)],
        ranks.gathered(ranks.rank),
        ranks.largest(ranks.rank),
    )


def test_ranks_agree_on_what_any_of_them_meets():
    with pool(2) as run:
        (first, second), ((alone, *_),) = run([(2, agreements), (1, agreements)])
    assert alone == ["by 0", "UserError no", "by 0"] * 3
    assert first[1:] == second[1:] == ([0, 1], 1)
    told = ["UserError rank 0: no", "MachineError rank 1: no"]
    assert first[0] == ["by 0", "UserError no", "by 0"] + ["by 0", "UserError no", told[1]] * 2
    assert second[0] == ["by 0", told[0], "by 0"] + ["by 1", told[0], "MachineError no"] * 2


@pytest.mark.parametrize("method", ["lb", "lb_gbn"])
def test_bf16_on_ranks_is_that_of_one_process(method, tmp_path):
    config = composed([f"+experiment=digits_{method}", DROPOUT, "precision=bf16"], tmp_path)
    expected = in_own_precision(config)
    with pool(2) as run:
        ((first, second),) = run([(2, partial(in_own_precision, config))])
    assert torch.equal(first, second)
    torch.testing.assert_close(first, expected, rtol=1e-2, atol=1e-3)


def in_own_precision(config, ranks=ALONE):
    source = load(config.data.name, config.data.root)
    splits = split(source, config.data, config.seed)
    trainer = build_trainer(config, source, splits, build_regime(config, len(splits.train)), CPU, ranks)
    for update in range(2):
        trainer.train_step(update)
    return trainer.flat.weights
