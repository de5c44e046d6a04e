"""The real MNIST data set, if present: the data, and a short training with every method."""

import numpy as np
import pytest

from gengap.config.identity import run_directory
from gengap.data.load import TRAINING_IMAGES, load
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.runs import read_record

pytestmark = pytest.mark.slow


def test_mnist_is_complete(mnist):
    source = load("mnist", mnist("sb").data.root)
    assert source.train.images.shape == (TRAINING_IMAGES["mnist"], 28, 28, 1)
    assert source.test.images.shape == (10_000, 28, 28, 1)
    assert np.bincount(source.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert source.train.images.mean() == pytest.approx(33.318, abs=1e-3)  # 0.1307 * 255, the well-known mean


@pytest.mark.parametrize("method", ["sb", "lb", "lb_lr", "lb_gbn", "lb_ra"])
def test_every_method_learns_in_a_few_updates(method, mnist):
    # Epochs that make 10 updates of the small batch, which RA matches, or of the large one
    epochs = 10 * (128 if method in ("sb", "lb_ra") else 4096) / 8192
    short = [f"workload.epochs={epochs}", "workload.milestones=[]", "workload.lr=[0.1]", "data.limit=8192"]
    config = mnist(method, *short)
    assert execute(config) == Outcome.FINISHED
    summary = read_record(run_directory(config))["summary"]
    assert summary["updates"] == 10
    assert summary["samples_seen"] == 10 * config.method.batch_size
    rows = (run_directory(config) / "metrics.jsonl").read_text()
    assert "NaN" not in rows
    assert summary["train_accuracy"] > 20
