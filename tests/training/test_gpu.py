"""On a GPU: the same updates as on the CPU, no synchronization, bit-equal resume. Skipped without a GPU."""

import pytest
import torch

from gengap.data.load import load
from gengap.data.splits import split
from gengap.regime import build_regime
from gengap.training.build import build_trainer
from gengap.training.trainer import Trainer
from tests.launch.test_resume import train_whole_and_in_pieces
from tests.training.test_trainer import CONVOLUTIONAL
from tests.training.updates import Double

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

CASES = {
    "sb": ("sb",),
    "lb_gbn": ("lb_gbn",),
    "noise and micro-batches": ("lb_gbn", "method.gradient_noise=3", "runtime.micro_batch=64"),
    "weight decay by phase": ("lb", "workload.weight_decay=[0.1,0.01]", "workload.milestones=[1]"),
    "convolutions": ("lb_gbn", CONVOLUTIONAL),
    "released code": ("lb_gbn", "protocol=bigbatch"),
    # At the workload's rates, ADAM makes a thousand times as much of a rounding error as at these
    "adam": ("lb_gbn", "workload.optimizer=adam", "workload.lr=[1e-4,1e-5]"),
    "growing batch": ("lb_gbn", "method.earlier_batches=[16,64]", "method.batch_milestones=[0.04,0.15]"),
    "rotation and shift": ("lb", "data.rotation=10", "data.shift=0.2"),
    "conservative": ("lb", "method.proximal=10"),
    "adversarial": ("lb_gbn", "method.adversarial=0.1"),
}
ENGINES = {
    "plain": ("runtime.compile=false", "runtime.graph=false"),
    "compiled": ("runtime.compile=true", "runtime.graph=false"),
    "graph": ("runtime.compile=false", "runtime.graph=true"),
    "compiled graph": ("runtime.compile=true", "runtime.graph=true"),
}
UPDATES = 7


def trainer_on(device, config, double=True) -> Trainer:
    source = load(config.data.name, config.data.root)
    splits = split(source, config.data, config.seed)
    regime = build_regime(config, len(splits.train))
    plain = build_trainer(config, source, splits, regime, torch.device(device))
    if not double:
        return plain
    return Trainer(config, Double(plain.model), plain.train, plain.stream, regime)


def ends(trainer, updates=UPDATES):
    for update in range(updates):
        trainer.train_step(update)
    return {"weights": trainer.flat.weights, "totals": trainer.totals, **dict(trainer.model.named_buffers())}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_makes_the_same_updates_as_the_cpu(name, engine, digits):
    expected = ends(trainer_on("cpu", digits(*CASES[name])))
    found = ends(trainer_on("cuda", digits(*CASES[name], *ENGINES[engine])))
    for key, value in expected.items():
        # Images are normalized in float32, which a GPU may round differently
        torch.testing.assert_close(found[key].cpu(), value, rtol=1e-5, atol=1e-6, msg=key)


def test_graph_makes_the_plain_updates_up_to_rounding(digits):
    expected = ends(trainer_on("cuda", digits("lb_gbn", *ENGINES["plain"])))
    found = ends(trainer_on("cuda", digits("lb_gbn", *ENGINES["graph"])))
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-11, atol=1e-12, msg=key)


def test_dropout_in_a_graph_is_a_function_of_seed_and_update(digits):
    dropped = "model.name=tests.networks:with_dropout"
    whole = trainer_on("cuda", digits("lb", dropped), double=False)
    expected = ends(whole)
    for update in (5, 6):  # captured later, and after other random numbers
        resumed = trainer_on("cuda", digits("lb", dropped), double=False)
        resumed.load_state_dict(trainer_after(update, digits("lb", dropped)).state_dict())
        torch.randn(17, device="cuda")
        for later in range(update, UPDATES):
            resumed.train_step(later)
        torch.testing.assert_close(resumed.flat.weights, expected["weights"], rtol=1e-5, atol=1e-6)


def trainer_after(updates, config):
    trainer = trainer_on("cuda", config, double=False)
    ends(trainer, updates)
    return trainer


def test_updates_do_not_synchronize_with_the_device(digits):
    trainer = trainer_on("cuda", digits("lb_gbn"), double=False)
    assert trainer.engine.graph
    trainer.train_step(0)  # captures
    torch.cuda.set_sync_debug_mode("error")
    try:
        for update in range(1, UPDATES):
            trainer.train_step(update)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_run_resumes_bit_equal(digits, tmp_path):
    train_whole_and_in_pieces(digits, tmp_path, "runtime.deterministic=true")
