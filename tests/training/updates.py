"""Trainers in float64, and the same updates made of torch's optimizers, clipping and batch norm."""

import copy
import math

import torch
from torch import nn
from torch.nn import functional as F

from gengap.data.load import load
from gengap.data.resident import Resident
from gengap.data.splits import split
from gengap.data.stream import Stream
from gengap.randomness import Purpose, key
from gengap.regime import build_regime
from gengap.training.build import build_trainer
from gengap.training.trainer import Trainer

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
