"""Composition of configurations, the identity of runs, and invalid settings."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from gengap.config.compose import compose_config
from gengap.config.conf import CONF, names_in
from gengap.config.identity import identity, run_directory, run_name
from gengap.config.shipped import cell, choices, experiments
from gengap.config.sweep import compose_jobs, expand, parameters
from gengap.errors import UserError

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "runs.json").read_text())

DEFAULT_NETWORKS = {
    "mnist": "f1", "digits": "f1", "cifar10": "resnet44", "cifar100": "wresnet16_4", "imagenet": "alexnet",
    "photographs": "c1",
}  # fmt: skip
# Cells whose batch is not their workload's large batch: Table 2's second row, and footnote 8
OTHER_BATCHES = {
    "imagenet_lb": 2048, "imagenet_lb_lr": 2048, "imagenet_8k_lb_gbn": 8192, "imagenet_8k_lb_ra": 8192,
}  # fmt: skip


def test_experiments_keep_their_run_directories():
    """Existing records are found by these names; a new schema field must not change them."""
    assert {name: cell(name).run for name in experiments()} == GOLDEN


NO_CELL = r"_(b|ref)\d+_|_(growing|warm\d+|conservative|adversarial|augmented)$"


@pytest.mark.parametrize("experiment", [e for e in experiments() if not re.search(NO_CELL, e)])
def test_workload_and_method_compose_the_same_run_as_the_experiment(experiment):
    found = cell(experiment)
    assert choices(experiment) in ((found.workload, found.method), ("", ""))
    batch = OTHER_BATCHES.get(experiment)
    composed = [f"workload={found.workload}", f"method={found.method}"]
    composed += [f"method.batch_size={batch}"] if batch else []
    assert run_name(compose_config(composed)) == found.run
    dataset, _, network = found.workload.partition("_")
    row = dataset if network == DEFAULT_NETWORKS.get(dataset) else found.workload
    row += "_8k" if batch == 8192 else ""
    assert experiment == f"{row}_{found.method}"


def test_digest_is_the_hash_of_differences_from_the_defaults():
    config = compose_config(["+experiment=mnist_lb_gbn"])
    differences = identity(config)
    assert differences["method.lr_rule"] == "sqrt"
    assert differences["data.flip"] is True
    assert "method.clip_norm" not in differences  # its default
    text = json.dumps(differences, sort_keys=True)
    assert run_name(config).endswith(hashlib.sha256(text.encode()).hexdigest()[:8])


@pytest.mark.parametrize(
    "override",
    [
        "seed=7",
        "data.root=/elsewhere",
        "results_dir=elsewhere",
        "runtime.threads=1",
        "runtime.micro_batch=128",
    ],
)
def test_seed_paths_and_runtime_are_not_part_of_the_identity(override):
    assert run_name(compose_config(["+experiment=mnist_lb_gbn", override])) == GOLDEN["mnist_lb_gbn"]


@pytest.mark.parametrize(
    "override",
    ["precision=bf16", "method.clip_norm=1", "data.flip=false", "workload.epochs=51", "protocol=bigbatch"],
)
def test_settings_that_change_results_change_the_run_name(override):
    assert run_name(compose_config(["+experiment=mnist_lb_gbn", override])) != GOLDEN["mnist_lb_gbn"]


def test_run_directory_contains_the_seed():
    config = compose_config(["+experiment=mnist_sb", "seed=3", "results_dir=there"])
    assert run_directory(config) == Path("there/runs") / GOLDEN["mnist_sb"] / "seed3"


def test_released_code_differences_are_protocol_settings():
    paper, released = (
        compose_config(["+experiment=mnist_lb_lr", f"protocol={p}"]) for p in ("paper", "bigbatch")
    )
    assert (paper.protocol.reset_momentum, paper.protocol.keep_partial_batch) == (False, False)
    assert (released.protocol.reset_momentum, released.protocol.keep_partial_batch) == (True, True)
    assert (paper.method.lr_base_batch, released.method.lr_base_batch) == (128, 256)
    ghosts = compose_config(["+experiment=mnist_lb_ra", "protocol=bigbatch", "method.ghost_size=64"])
    assert (ghosts.method.lr_base_batch, ghosts.method.regime_factor) == (64, 64)
    slow = compose_config(["+experiment=mnist_sb", "protocol=bigbatch", "workload.released_momentum=0"])
    assert (slow.workload.momentum, slow.protocol.momentum) == (0.9, 0)


@pytest.mark.parametrize(
    ("experiment", "bn_weight"),
    [
        ("mnist_sb", "uniform"),
        ("cifar10_c1_sb", "uniform"),
        ("cifar100_c3_sb", "uniform"),
        ("imagenet_sb", "uniform"),
        ("cifar10_sb", "network"),
        ("cifar100_sb", "network"),
        ("cifar10_vgg_sb", "network"),
    ],
)
def test_the_released_resnets_set_the_weights_of_batch_norm(experiment, bn_weight):
    composed = [compose_config([f"+experiment={experiment}", f"protocol={p}"]) for p in ("paper", "bigbatch")]
    assert [config.protocol.bn_weight for config in composed] == ["network", bn_weight]


@pytest.mark.parametrize(
    ("method", "released", "older"),
    [
        ("sb", "7c928b90", "9ab47ed7"),
        ("lb", "ecbf911c", "7f0021fe"),
        ("lb_lr", "da48a87c", "eaced70d"),
        ("lb_gbn", "6acf8dff", "0abb910e"),
    ],
)
def test_older_records_of_the_released_protocol_are_runs_with_the_network_s_weights(method, released, older):
    words = [f"+experiment=mnist_{method}", "protocol=bigbatch"]
    assert run_name(compose_config(words)) == f"mnist_f1-{method}-{released}"
    assert run_name(compose_config([*words, "protocol.bn_weight=network"])) == f"mnist_f1-{method}-{older}"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "method.ghost_size=100",
            r"does not divide method.batch_size=4096 \(workload.large_batch\): set method.batch_size=4000",
        ),
        ("method.lr_rule=cubic", "one of none, sqrt, linear"),
        ("precision=fp8", "one of fp32, bf16"),
        ("runtime.device=tpu", "one of auto, cpu, cuda"),
        ("method.batch_size=0", "method.batch_size=0 must be a whole number from 1 to 1000000000"),
        ("workload.epochs=-1", "workload.epochs=-1 must be a finite number above 0 and at most 1000000"),
        ("workload.milestones=[1,2]", "give one more learning rate than milestones"),
        ("workload.epochs=inf", "workload.epochs=inf must be a finite number above 0"),
        ("workload.momentum=1", "workload.momentum=1 must be a finite number of at least 0 and below 1"),
        ("protocol.momentum=nan", "protocol.momentum=nan must be a finite number of at least 0"),
        ("workload.lr=[0.1,-1,1,1]", "must hold finite numbers from 0 to"),
        ("workload.weight_decay=[inf]", "workload.weight_decay=[inf] must hold finite numbers"),
        ("workload.milestones=[nan]", "workload.milestones=[nan] must hold finite numbers"),
        ("method.warmup_epochs=nan", "must be a finite number from 0 to 1000000"),
        (
            "workload.lr=[1e38,1,1,1]",
            "method.lr_rule=sqrt makes 5.65685e.38 of 1e.38, more than",
        ),
        ("workload.milestones=[3,2,1]", "must be in ascending order"),
        ("workload.weight_decay=[0,0]", "1 value or one per learning rate"),
        ("runtime.micro_batch=192", "must be a multiple of method.ghost_size=128"),
        ("method.gradient_noise=-1", "must be a finite number from 0 to"),
        ("data.crop=300", "data.crop=300 is larger than data.resize=256"),
        ("data.pad_value=300", "data.pad_value=300 must be a whole number from 0 to 255"),
        ("runtime.workers=-1", "runtime.workers=-1 must be a whole number from 0 to 512"),
    ],
)
def test_invalid_settings_fail_at_compose_time(override, message):
    with pytest.raises(UserError, match=message.replace("[", r"\[")) as error:
        compose_config(["+experiment=mnist_lb_gbn", override])
    assert "\n" not in str(error.value)


def test_micro_batches_without_ghosts_are_rejected():
    with pytest.raises(UserError, match="would change batch norm, whose statistics cover the whole batch"):
        compose_config(["+experiment=mnist_lb", "runtime.micro_batch=128"])


@pytest.mark.parametrize(
    "override", ["sed=1", "method.ghostsize=3", "seed=x", "method.batch_size=1.5", "workload=mnist"]
)
def test_typos_and_wrong_types_fail_at_compose_time(override):
    with pytest.raises(UserError) as error:
        compose_config(["+experiment=mnist_lb_gbn", override])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", names_in("sweep"))
def test_every_sweep_composes_distinct_runs(name):
    found = [job.config for job in compose_jobs(expand([f"+sweep={name}"]))]
    directories = [run_directory(c) for c in found]
    assert len(set(directories)) == len(directories)
    if parameters(name).keys() == {"+experiment", "seed"}:  # of cells
        assert {run_name(c) for c in found} <= set(GOLDEN.values())
    expected = 1
    for values in map(str, parameters(name).values()):
        expected *= values.count("[") or len(values.split(","))
    assert len(found) == expected


def test_command_line_seeds_replace_those_of_the_sweep():
    jobs = expand(["+sweep=quickstart", "seed=5,6", "results_dir=there"])
    assert jobs[:2] == [
        ("+experiment=digits_sb", "seed=5", "results_dir=there"),
        ("+experiment=digits_sb", "seed=6", "results_dir=there"),
    ]
    found = [job.config for job in compose_jobs(jobs)]
    assert [c.seed for c in found] == [5, 6] * 5
    assert {c.results_dir for c in found} == {"there"}
    assert found == [compose_config(job) for job in jobs]


def test_interpolations_of_the_seed_are_composed_per_seed():
    jobs = expand(["+experiment=digits_lb", "seed=5,6", "evaluations=${seed}"])
    assert [(j.config.seed, j.config.evaluations) for j in compose_jobs(jobs)] == [(5, 5), (6, 6)]


def test_conf_folder_is_that_of_the_checkout():
    assert (CONF / "config.yaml").exists()
