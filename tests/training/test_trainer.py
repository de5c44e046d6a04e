"""The update, in float64, against a reference made of torch's optimizers, clipping and batch norm."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gengap.data.device_images import to_device
from gengap.data.load import load
from gengap.data.resident import Resident
from gengap.data.splits import split
from gengap.data.stream import Stream
from gengap.randomness import Purpose, key
from gengap.regime import build_regime
from gengap.training.build import build_trainer
from gengap.training.trainer import Trainer
from tests.networks import with_dropout

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")


class Double(nn.Module):
    """Trains a float64 network on float32 images."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.double()

    def forward(self, x):
        return self.network(x.double())


def double_trainer(config) -> Trainer:
    source = load(config.data.name, config.data.root)
    splits = split(source, config.data, config.seed)
    regime = build_regime(config, len(splits.train))
    plain = build_trainer(config, source, splits, regime, CPU)
    network = Double(copy.deepcopy(plain.model))
    return Trainer(config, network, plain.train, plain.stream, regime)


def parts(config, samples):
    """Slices and weights of a batch: one part, or the released code's ghosts of a partial batch."""
    method = config.method
    if method.ghost_size is None or samples in (method.batch_size, *method.earlier_batches):
        return [(slice(0, samples), 1.0)]
    chunks = torch.arange(samples).chunk(method.batch_size // method.ghost_size)
    return [(slice(int(c[0]), int(c[-1]) + 1), 1 / len(chunks)) for c in chunks]


def reference(config, updates):
    """Train with torch's SGD or Adam, clip_grad_norm_ and, for ghosts, a loop of ordinary batch norm.

    Conservative and adversarial training are as in Keskar et al. 2017, section 4, and Goodfellow et al. 2015.
    """
    trainer = double_trainer(config)  # for its initial weights only
    model = copy.deepcopy(trainer.model).to(memory_format=torch.contiguous_format)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.__class__ = LoopedNorm1d if isinstance(module, nn.BatchNorm1d) else LoopedNorm2d
            module.size = config.method.ghost_size or 10**9
    source = load(config.data.name, config.data.root)
    data = Resident(split(source, config.data, config.seed).train, config.data, CPU, augment=True)
    protocol, regime = config.protocol, trainer.regime
    stream = Stream(config.seed, regime.batches, 1, moving=data.moving)

    def fresh_optimizer():
        if config.workload.optimizer == "adam":
            betas, eps = config.workload.adam_betas, config.workload.adam_eps
            return torch.optim.Adam(model.parameters(), lr=1.0, betas=betas, eps=eps, foreach=False)
        return torch.optim.SGD(model.parameters(), lr=1.0, momentum=protocol.momentum)

    optimizer, losses = fresh_optimizer(), []
    for update in range(updates):
        images, labels = data.preprocess(next(data.batches(stream, update)))
        if protocol.reset_momentum and regime.starts_epoch(update):
            optimizer = fresh_optimizer()
        noise = torch.ones(len(labels), dtype=torch.float64)
        if config.method.gradient_noise:
            generator = torch.Generator().manual_seed(key(config.seed, Purpose.NOISE, update))
            noise = 1 + math.sqrt(config.method.gradient_noise) * torch.randn(
                len(labels), generator=generator
            )
        method, center = config.method, [p.detach().clone() for p in model.parameters()]
        for step in range(method.proximal_steps if method.proximal else 1):
            optimizer.zero_grad()
            total, adversarial = 0.0, []
            for part, weight in parts(config, len(labels)):
                clean = images[part].clone().requires_grad_()
                each = F.cross_entropy(model(clean), labels[part], reduction="none")
                objective = (each * noise[part]).mean()
                if method.adversarial:
                    objective = objective / 2
                (weight * objective).backward()
                moved = clean.detach() + method.adversarial / config.data.std[0] * clean.grad.sign()
                adversarial.append((moved, labels[part], weight / 2))
                total += weight * float(each.detach().mean())
            for moved, right, weight in adversarial if method.adversarial else ():
                (weight * F.cross_entropy(model(moved), right)).backward()
            losses += [total] if step == 0 else []
            apart = sum(((p - c) ** 2).sum() for p, c in zip(model.parameters(), center, strict=True))
            (method.proximal / 2 * apart).backward()
            if method.clip_norm is not None:
                nn.utils.clip_grad_norm_(model.parameters(), method.clip_norm)
            for group in optimizer.param_groups:
                group["lr"], group["weight_decay"] = regime.lr_at(update), regime.weight_decay_at(update)
            optimizer.step()
    return model, losses


class LoopedNorm1d(nn.BatchNorm1d):
    def forward(self, x):
        return torch.cat([super(LoopedNorm1d, self).forward(ghost) for ghost in x.split(self.size)])


class LoopedNorm2d(nn.BatchNorm2d):
    def forward(self, x):
        return torch.cat([super(LoopedNorm2d, self).forward(ghost) for ghost in x.split(self.size)])


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
        ("momentum reset", "released code"),  # digits has the same momentum and reference batch in both
    }


def test_gradient_noise_has_mean_one_and_the_configured_variance(digits):
    trainer = double_trainer(digits("lb", "method.gradient_noise=31"))
    noise = torch.cat([trainer._gradient_noise(u, 4096) for u in range(20)])
    standard_error = 31 * math.sqrt(2 / len(noise))
    assert abs(float(noise.mean()) - 1) < 5 * math.sqrt(31 / len(noise))
    assert abs(float(noise.var()) - 31) < 5 * standard_error


def test_evaluation_covers_the_whole_set_and_has_no_side_effects(digits):
    config = digits("lb_gbn")
    trainer, undisturbed = double_trainer(config), double_trainer(config)
    source = load("digits", "unused")
    validation = Resident(source.test, config.data, CPU, augment=False)
    for update in range(3):
        trainer.train_step(update)
        undisturbed.train_step(update)
        loss, error, _ = trainer.evaluate(validation)
    assert torch.equal(trainer.flat.weights, undisturbed.flat.weights)
    assert all(
        torch.equal(a, b) for a, b in zip(trainer.model.buffers(), undisturbed.model.buffers(), strict=True)
    )
    model = trainer.model.eval()
    images, labels = next(validation.evaluation_batches(360))
    logits = model(images).detach()
    assert loss == pytest.approx(float(F.cross_entropy(logits, labels)))
    assert error == pytest.approx(100 * float((logits.argmax(1) != labels).double().mean()))


def test_dropout_is_a_function_of_seed_and_update(digits):
    config = digits("lb", "model.name=tests.networks:with_dropout")

    def after(disturb):
        source = load("digits", "unused")
        splits = split(source, config.data, 0)
        trainer = build_trainer(config, source, splits, build_regime(config, len(splits.train)), CPU)
        for update in range(3):
            if disturb:
                torch.randn(17)
            trainer.train_step(update)
        return trainer.flat.weights

    assert torch.equal(after(disturb=False), after(disturb=True))


def test_bf16_stays_close_to_fp32(digits):
    ends = {}
    for precision in ("fp32", "bf16"):
        config = digits("lb_gbn", f"precision={precision}")
        source = load("digits", "unused")
        splits = split(source, config.data, 0)
        trainer = build_trainer(config, source, splits, build_regime(config, len(splits.train)), CPU)
        for update in range(5):
            trainer.train_step(update)
        assert trainer.flat.weights.dtype == torch.float32
        ends[precision] = trainer.flat.weights - trainer.initial
    gap = torch.linalg.vector_norm(ends["fp32"] - ends["bf16"]) / torch.linalg.vector_norm(ends["fp32"])
    assert 1e-3 < gap < 0.3  # five large steps amplify a rounding of 2^-9


def functional_dropout(num_classes: int, in_features: int, width: int) -> nn.Module:
    """As tests.networks:with_dropout, but without a dropout layer."""

    class Dropped(nn.Module):
        def forward(self, images):
            return nn.functional.dropout(images, 0.5, self.training)

    network = with_dropout(num_classes, in_features, width)
    network[2] = Dropped()
    return network


def test_functional_dropout_is_a_function_of_seed_and_update(digits):
    """With and without a dropout layer, and after other draws from torch's generator."""
    weights = []
    for name in ("tests.networks:with_dropout", "tests.training.test_trainer:functional_dropout"):
        trainer = double_trainer(digits("lb", f"model.name={name}"))
        for update in range(3):
            torch.rand(7)
            trainer.train_step(update)
        weights.append(trainer.flat.weights)
    assert torch.equal(*weights)


def test_training_set_is_evaluated_without_augmentation(digits):
    config = digits("lb", "data.crop_padding=2", "data.flip=true")
    trainer = double_trainer(config)
    splits = split(load(config.data.name, config.data.root), config.data, config.seed)
    plain = to_device(splits.train, config, CPU, augment=False)
    assert trainer.evaluate(trainer.train) == trainer.evaluate(plain)
