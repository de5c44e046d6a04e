"""Trainers, as runs build them."""

import torch

from gengap.config.schema import Config
from gengap.data.load import load
from gengap.data.splits import split
from gengap.regime import build_regime
from gengap.training.build import build_trainer
from gengap.training.trainer import Trainer


def trainer_of(config: Config) -> Trainer:
    """The trainer of a run on the CPU, before its first update."""
    source = load(config.data.name, config.data.root)
    splits = split(source, config.data, config.seed)
    return build_trainer(config, source, splits, build_regime(config, len(splits.train)), torch.device("cpu"))
