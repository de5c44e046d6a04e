"""The real CIFAR data sets, if present: the data, and a short training of every workload and method."""

import math
from functools import cache

import numpy as np
import pytest

from gengap.config.compose import compose_config
from gengap.config.identity import run_directory
from gengap.data.load import TRAINING_IMAGES, load
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.runs import read_record

pytestmark = pytest.mark.slow

WORKLOADS = {
    "cifar10_c1": "cifar-10-batches-py",
    "cifar10_resnet44": "cifar-10-batches-py",
    "cifar10_vgg": "cifar-10-batches-py",
    "cifar100_c3": "cifar-100-python",
    "cifar100_wresnet16_4": "cifar-100-python",
}
# Large batch 16 in ghosts of 4, small batch 4, on 32 images; validated on 16 held-out ones
SMALL = ["workload.small_batch=4", "workload.large_batch=16", "workload.ghost_size=4", "workload.epochs=1"]
SMALL += ["workload.milestones=[]", "workload.lr=[0.01]", "data.limit=32", "data.holdout=16"]


@pytest.fixture(scope="module", autouse=True)
def every_data_set_is_loaded_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gengap.launch.execute.load", cache(load))
        yield


def skip_without(data_root, folder):
    if not (data_root / folder).exists():
        pytest.skip(f"{folder} not found: set GENGAP_DATA to the folder that holds it")


@pytest.mark.parametrize(
    ("name", "folder"), [("cifar10", "cifar-10-batches-py"), ("cifar100", "cifar-100-python")]
)
def test_cifar_is_complete(name, folder, data_root):
    skip_without(data_root, folder)
    source = load(name, str(data_root))
    assert source.train.images.shape == (TRAINING_IMAGES[name], 32, 32, 3)
    assert source.test.images.shape == (10_000, 32, 32, 3)
    assert (np.bincount(source.test.labels) == 10_000 // source.num_classes).all()
    assert (np.bincount(source.train.labels) == 50_000 // source.num_classes).all()


@pytest.mark.parametrize("method", ["sb", "lb", "lb_lr", "lb_gbn", "lb_ra"])
@pytest.mark.parametrize("workload", WORKLOADS)
def test_every_workload_trains_with_every_method(workload, method, data_root, tmp_path):
    skip_without(data_root, WORKLOADS[workload])
    places = [f"data.root={data_root}", f"results_dir={tmp_path}"]
    config = compose_config([f"workload={workload}", f"method={method}", *SMALL, *places])
    assert execute(config) == Outcome.FINISHED
    summary = read_record(run_directory(config))["summary"]
    assert summary["updates"] == (8 if method in ("sb", "lb_ra") else 2)
    assert math.isfinite(summary["distance"])
    assert summary["distance"] > 0
