"""A folder of small photographs, some of them cut off in their pixels, and a short run on them."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from gengap.config.compose import compose_config
from gengap.config.schema import Config

CUT = ("train/a/03", "train/b/03", "train/b/20", "val/b/07")


def write_photographs(root: Path, cut: Sequence[str] = CUT) -> Path:
    """Two classes of 24 training and 8 validation files each, in root/imagenet."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 24), ("val", 8)):
        for name in ("a", "b"):
            place = root / "imagenet" / split / name
            place.mkdir(parents=True)
            for k in range(count):
                pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{k:02}.JPEG")
    for bad in cut:
        path = root / "imagenet" / f"{bad}.JPEG"
        os.truncate(path, path.stat().st_size // 2)
    return root


def run_words(root: Path, results: Path, *overrides: str) -> list[str]:
    """A run of 6 updates of 16 photographs, in 2 ghosts."""
    short = ["workload.small_batch=8", "workload.large_batch=16", "workload.ghost_size=8"]
    short += ["workload.epochs=2", "workload.milestones=[]", "workload.lr=[0.01]"]
    short += ["workload.weight_decay=[0]", "data.resize=32", "data.crop=28", "runtime.workers=0"]
    network = ["model.name=tests.networks:small_alexnet"]
    places = [f"data.root={root}", f"results_dir={results}"]
    return ["workload=imagenet_alexnet", "method=lb_gbn", *short, *network, *places, *overrides]


def run_config(root: Path, results: Path, *overrides: str) -> Config:
    """The configuration of `run_words`."""
    return compose_config(run_words(root, results, *overrides))
