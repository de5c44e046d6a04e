"""The update, in float64, against a reference made of torch's optimizers, clipping and batch norm."""

import pytest
import torch

from tests.training.updates import double_trainer, reference

pytestmark = pytest.mark.slow

CONVOLUTIONAL = "model.name=tests.networks:convolutional"

ADAM = "workload.optimizer=adam"

SWITCHES = {
    "sb": ("sb",),
    "lb": ("lb",),
    "lb_lr": ("lb_lr",),
    "lb_gbn": ("lb_gbn",),
    "lb_ra": ("lb_ra",),
    "linear with warm-up": ("lb", "method.lr_rule=linear", "method.warmup_epochs=2"),
    "clip tight": ("lb_gbn", "method.clip_norm=0.1"),
    "clip off": ("lb_lr", "method.clip_norm=null"),
    "noise": ("lb", "method.gradient_noise=31"),
    "noise and micro-batches": ("lb_gbn", "method.gradient_noise=3", "runtime.micro_batch=64"),
    "micro-batch of one ghost": ("lb_gbn", "runtime.micro_batch=16"),
    "weight decay by phase": ("lb", "workload.weight_decay=[0.1,0.01]", "workload.milestones=[1]"),
    "momentum reset": ("lb_gbn", "protocol.reset_momentum=true", "protocol.keep_partial_batch=true"),
    "momentum reset alone": ("lb_gbn", "protocol.reset_momentum=true"),
    "released code": ("lb_gbn", "protocol=bigbatch"),
    "released code without ghosts": ("lb_lr", "protocol=bigbatch"),
    "batch smaller than the ghost": ("sb", "method.ghost_size=64"),
    "adam": ("lb_gbn", ADAM),
    "adam, clipped, with decay and other constants": (
        "lb",
        ADAM,
        "method.clip_norm=0.1",
        "workload.adam_betas=[0.8,0.9]",
        "workload.adam_eps=0.001",
    ),
    "adam, noise and micro-batches": ("lb_gbn", ADAM, "method.gradient_noise=3", "runtime.micro_batch=64"),
    "adam, released code": ("lb_gbn", ADAM, "protocol=bigbatch"),
    "growing batch": ("lb_gbn", "method.earlier_batches=[16,64]", "method.batch_milestones=[0.04,0.15]"),
    "warm start": ("lb_lr", "method.earlier_batches=[16]", "method.batch_milestones=[0.04]"),
    "rotation and shift": ("lb", "data.rotation=10", "data.shift=0.2", "data.flip=true"),
    "rotation": ("lb", "data.rotation=10"),
    "conservative": ("lb", "method.proximal=10"),
    "conservative, all at once": (
        "lb_gbn",
        ADAM,
        "method.proximal=3",
        "method.proximal_steps=2",
        "method.gradient_noise=3",
        "runtime.micro_batch=64",
        "method.clip_norm=0.5",
    ),
    "adversarial": ("lb", "method.adversarial=0.1"),
    "adversarial, ghosts, growing batch": (
        "lb_gbn",
        "method.adversarial=0.05",
        "runtime.micro_batch=64",
        "method.earlier_batches=[16,64]",
        "method.batch_milestones=[0.04,0.15]",
    ),
    "adversarial, released code": ("lb_gbn", "method.adversarial=0.1", "protocol=bigbatch"),
    "convolutions": ("lb", CONVOLUTIONAL),
    "convolutions, a ghost at a time": ("lb_gbn", CONVOLUTIONAL),
    "convolutions, ghosts all at once": ("lb_gbn", CONVOLUTIONAL, "runtime.micro_batch=512"),
    "convolutions, released code": ("lb_gbn", CONVOLUTIONAL, "protocol=bigbatch"),
}

COMPILED = (
    "lb_gbn",
    "adam",
    "adversarial, ghosts, growing batch",
    "noise and micro-batches",
    "convolutions, released code",
)


@pytest.mark.parametrize(("name", "compiled"), [(s, False) for s in SWITCHES] + [(s, True) for s in COMPILED])
def test_every_switch_makes_the_updates_of_the_reference(name, compiled, digits):
    config = digits(*SWITCHES[name], f"runtime.compile={compiled}")
    updates, is_adam = 7, config.workload.optimizer == "adam"
    trainer = double_trainer(config)
    assert trainer.engine.compiled == compiled
    model, losses = reference(config, updates)
    totals = [0.0]
    for update in range(updates):
        trainer.train_step(update)
        totals.append(float(trainer.totals[0]))
    found, expected = trainer.model.state_dict(), model.state_dict()
    assert list(found) == list(expected)
    for name, value in expected.items():
        # ADAM divides by the root of a second moment, which amplifies rounding where gradients are tiny
        torch.testing.assert_close(found[name], value, rtol=1e-11, atol=1e-9 if is_adam else 1e-12)
    assert [b - a for a, b in zip(totals, totals[1:], strict=False)] == pytest.approx(losses, rel=1e-11)
    assert not torch.equal(trainer.flat.weights, trainer.initial)


def test_switches_change_the_update(digits):
    """Otherwise the comparison with the reference could pass for switches without effect."""
    ends = []
    for name in SWITCHES:
        trainer = double_trainer(digits(*SWITCHES[name]))
        for update in range(4):
            trainer.train_step(update)
        ends.append(trainer.flat.weights.clone())
    same = {
        (a, b)
        for i, a in enumerate(SWITCHES)
        for j, b in enumerate(SWITCHES)
        if i < j and ends[i].shape == ends[j].shape and torch.allclose(ends[i], ends[j], rtol=0, atol=1e-9)
    }
    # Regime adaptation changes the schedule, a micro-batch only memory, a single ghost nothing.
    assert same == {
        ("lb_gbn", "lb_ra"),
        ("lb_gbn", "micro-batch of one ghost"),
        ("lb_ra", "micro-batch of one ghost"),
        ("sb", "batch smaller than the ghost"),
        ("lb_lr", "clip off"),  # no gradient exceeds the norm in these four updates
        ("convolutions, a ghost at a time", "convolutions, ghosts all at once"),
    }
