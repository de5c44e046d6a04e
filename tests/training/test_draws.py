"""What is drawn at random in an update, its precision, and evaluation, which disturbs nothing."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gengap.data.device_images import to_device
from gengap.data.load import load
from gengap.data.resident import Resident
from gengap.data.splits import split
from gengap.regime import build_regime
from gengap.training.build import build_trainer
from tests.networks import with_dropout
from tests.training.updates import CPU, double_trainer

pytestmark = pytest.mark.slow


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
    for name in ("tests.networks:with_dropout", "tests.training.test_draws:functional_dropout"):
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
