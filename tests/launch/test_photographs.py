"""Training on image files: stopping and resuming with worker processes, and real photographs if present."""

import json
import math
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from gengap.config.compose import compose_config
from gengap.config.identity import run_directory
from gengap.data.load import load
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.runs import read_record
from gengap.runs.checkpoint import NEWEST

pytestmark = pytest.mark.slow

# Large batch 32 in ghosts of 8, small batch 8
SMALL = ["workload.small_batch=8", "workload.large_batch=32", "workload.ghost_size=8", "workload.epochs=2"]
SMALL += ["workload.milestones=[1]", "workload.lr=[0.1,0.01]", "workload.weight_decay=[0.0005,0]"]

# `gengap train` that sends SIGTERM to all its processes during the third update, as a scheduler does
DRIVER = """
import os, signal, sys
from gengap.training.backward import Backward
def backward(trainer, *arguments, calls=[], original=Backward.__call__):
    calls.append(1)
    if len(calls) == 3:
        os.killpg(0, signal.SIGTERM)
    return original(trainer, *arguments)
Backward.__call__ = backward
from gengap.cli.train import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in ("a", "b"):
            (root / "imagenet" / split / name).mkdir(parents=True)
            for k in range(48):
                pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / "imagenet" / split / name / f"{k}.JPEG")
    return root


def arguments(root, results, *overrides):
    network = ["model.name=tests.networks:small_alexnet", "data.resize=36", "data.crop=32"]
    places = [f"data.root={root}", f"results_dir={results}", "runtime.threads=1", "runtime.keep_weights=true"]
    return ["workload=imagenet_alexnet", "method=lb_gbn", *SMALL, *network, *places, *overrides]


def outcome(directory):
    rows = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    weights = torch.load(directory / "weights.pt", weights_only=True)
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows], weights


def assert_same(directory, expected):
    (rows, weights), (other_rows, other_weights) = outcome(directory), outcome(expected)
    assert rows == other_rows
    assert all(torch.equal(weights[k], v) for k, v in other_weights.items())


def test_sigterm_to_all_processes_saves_and_resumes_with_other_workers(folder, tmp_path):
    whole = compose_config(arguments(folder, tmp_path / "whole", "runtime.workers=0"))
    assert execute(whole) == Outcome.FINISHED
    stopped = subprocess.run(
        [sys.executable, "-c", DRIVER, *arguments(folder, tmp_path / "pieces", "runtime.workers=2")],
        capture_output=True, text=True, check=False, start_new_session=True,
    )  # fmt: skip
    assert stopped.returncode == 128 + signal.SIGTERM, stopped.stderr
    assert "after update 3 of 6 and saved; run the same command again to continue" in stopped.stderr
    pieces = compose_config(arguments(folder, tmp_path / "pieces", "runtime.workers=1"))
    assert torch.load(run_directory(pieces) / NEWEST, weights_only=True)["done"] == 3
    assert execute(pieces) == Outcome.FINISHED
    assert_same(run_directory(pieces), run_directory(whole))


@pytest.fixture
def imagenette(data_root):
    """The root folder of imagenette, a subset of ImageNet; skips the test if it is not present."""
    if not (data_root / "imagenette").exists():
        pytest.skip("imagenette not found: set GENGAP_DATA to the folder that holds it")
    return data_root


def test_imagenette_is_complete(imagenette):
    source = load("imagenet", str(imagenette), "imagenette")
    assert source.num_classes == 10
    assert np.bincount(source.train.labels).tolist() == [100] * 10
    assert np.bincount(source.test.labels).tolist() == [40] * 10


def test_training_on_imagenette_learns_and_resumes_bit_equal(imagenette, tmp_path):
    # 224 x 224 pixels, as in the paper
    real = ["data.folder=imagenette", "data.resize=256", "data.crop=224", "data.limit=128", "data.holdout=64"]
    real += ["workload.epochs=6", "workload.milestones=[4]", "method.batch_size=16", "evaluations=2"]
    whole = compose_config(arguments(imagenette, tmp_path / "whole", *real, "runtime.workers=0"))
    assert execute(whole) == Outcome.FINISHED
    summary = read_record(run_directory(whole))["summary"]
    assert (summary["updates"], summary["samples_seen"]) == (48, 768)
    assert summary["train_accuracy"] > 20  # 10 by guessing
    pieces = compose_config(arguments(imagenette, tmp_path / "pieces", *real, "runtime.workers=1"))
    pieces.runtime.time_budget = 1e-9
    assert execute(pieces) == Outcome.STOPPED
    pieces.runtime.time_budget = None
    assert execute(pieces) == Outcome.FINISHED
    assert_same(run_directory(pieces), run_directory(whole))


def test_alexnet_trains_on_imagenette(imagenette, tmp_path):
    config = compose_config(
        [
            "+experiment=imagenet_lb_gbn", "data.folder=imagenette", "data.limit=32", "data.holdout=8",
            f"data.root={imagenette}", f"results_dir={tmp_path}", "runtime.workers=0", *SMALL,
            "workload.epochs=1", "workload.milestones=[]", "workload.lr=[0.01]", "workload.weight_decay=[0]",
            "workload.small_batch=16", "workload.ghost_size=16",
        ]
    )  # fmt: skip
    config.runtime.checkpoint_seconds = 1e9
    assert execute(config) == Outcome.FINISHED
    record = read_record(run_directory(config))
    assert record["parameters"] == 61_110_184 - 990 * 4097  # 10 classes, not 1000
    assert record["summary"]["updates"] == 1
    assert math.isfinite(record["summary"]["distance"])
    assert record["summary"]["distance"] > 0
