"""Mistakes in a user's own configuration files: one line that names the file and what to write."""

import pytest

from gengap.cli.status import main as status
from gengap.cli.train import main as train
from gengap.config import conf
from gengap.errors import UserError

HEADER = "# @package _global_\n"
DEFAULTS = "defaults:\n  - override /workload: digits_f1\n  - override /method: lb\n"
CELL = HEADER + DEFAULTS

NO_METHOD = (
    "it chooses no method: write - override /method: NAME below defaults: (lb, lb_gbn, lb_lr, lb_ra or sb)"
)
EXPERIMENTS = {
    "": "the file is empty: write what it chooses and sets, as the files in conf/ do",
    HEADER: "the file is empty: write what it chooses and sets, as the files in conf/ do",
    "- a\n": "it must be a mapping of keys, as the files in conf/ are, not a list",
    DEFAULTS: "its first line must be # @package _global_",
    f"# My experiment.\n{CELL}": "its first line must be # @package _global_",
    f"# @package global\n{DEFAULTS}seed: 3\n": "its first line must be # @package _global_",
    f"{HEADER}defaults:\n\t- digits_lb\n": "not valid YAML in line 3: indent with spaces, not with tabs",
    f"{CELL}workload: {{epochs: 4\n": "not valid YAML in line 6: expected ',' or '}', but got '<stream end>'",
    f"{CELL}seed: 1\nseed: 2\n": "not valid YAML in line 6: found duplicate key seed",
    f"{CELL}sed: 3\n": "unknown key sed: did you mean seed?",
    f"{CELL}worklod: {{epochs: 4}}\n": "unknown key worklod: did you mean workload?",
    f"{CELL}workload: {{epoch: 4}}\n": "unknown key workload.epoch: did you mean workload.epochs?",
    f"{CELL}method: {{ghostsize: 4}}\n": "unknown key method.ghostsize: did you mean method.ghost_size?",
    f"{CELL}zzz: 4\n": "unknown key zzz: type gengap train --help for the list",
    f"{CELL}workload.epochs: 4\n": "write workload: with epochs: indented below it, not workload.epochs:",
    f"{CELL}workload: {{epochs: many}}\n": "workload.epochs=many must be a number",
    f"{CELL}workload: {{epochs: }}\n": "workload.epochs=null must be a number",
    f"{CELL}workload: {{lr: 0.1}}\n": "workload.lr=0.1 must be a list of numbers, as in [0.1,0.01]",
    f"{CELL}seed: 1.5\n": "seed=1.5 must be a whole number",
    f"{CELL}results_dir: ''\n": "results_dir has no value: type results_dir=VALUE",
    f"{CELL}workload:\n": "nothing is indented below workload: write its keys there, or remove the line",
    f"{CELL}model: 3\n": "model: 3 must be a mapping: write its keys indented below model:",
    f"{HEADER}workload: digits_f1\n": (
        "workload: digits_f1 chooses nothing: write - override /workload: digits_f1 below defaults:"
    ),
    f"{CELL}hydra: {{run: {{dir: x}}}}\n": "hydra: run: can't be set here: leave it out",
    f"{CELL}hydra: {{launcher: {{n_jobs: 2}}}}\n": (
        "hydra: launcher: can't be set here: type hydra/launcher=NAME on the command line"
    ),
    f"{CELL}hydra: {{sweeper: {{params: {{seed: '1,2'}}}}}}\n": (
        "hydra: sweeper: can't be set here: list the runs in a file of the folder sweep, and type +sweep=NAME"
    ),
    f"{CELL}evaluations: ${{sed}}\n": "evaluations=${sed}: unknown key sed: did you mean seed?",
    f"{CELL}evaluations: ${{workload}}\n": (
        "evaluations=${workload}: workload is a group of keys: name one of them, such as workload.name"
    ),
    f"{CELL}evaluations: ${{divid:4,2}}\n": (
        "evaluations=${divid:4,2}: unknown function divid: did you mean divide?"
    ),
    f"{CELL}evaluations: ${{divide:4}}\n": (
        "evaluations refers to a value that can't be computed (divide takes two numbers): give it a value"
    ),
    f"{CELL}evaluations: ${{seed\n": (
        "evaluations has a reference that can't be parsed: write ${KEY}"
    ),
    f"{CELL}evaluations: ${{workload.name}}\n": (
        "evaluations refers to ${workload.name}, which is digits_f1: it must be a whole number or null"
    ),
    f"{CELL}workload: {{lr: [0.1]}}\n": (
        "workload.lr has 1 value and workload.milestones 1: give one more learning rate than milestones"
    ),
    f"{HEADER}defaults: {{workload: digits_f1}}\n": (
        "defaults: must be a list: begin each entry with a dash, as in - override /method: lb"
    ),
    f"{HEADER}defaults:\n  - override /method: lb\n    override /workload: digits_f1\n": (
        "defaults: begin each entry with a dash, not several with one: override /method, override /workload"
    ),
    f"{HEADER}defaults: [override /method lb]\n": (
        "defaults: override /method lb has no choice: write - override /method: NAME"
    ),
    f"{HEADER}defaults: [4]\n": "defaults: 4 names no file: write - NAME or - override /method: NAME",
    f"{HEADER}defaults: [digits_lbb]\n": (
        "unknown experiment 'digits_lbb': did you mean digits_lb, digits_sb or digits_lb_gbn?"
    ),
    f"{HEADER}defaults: [mine]\n": "its defaults list includes the file itself: remove that entry",
    f"{HEADER}defaults: [override /method: lb_gbm]\n": "unknown method 'lb_gbm': did you mean lb_gbn?",
    f"{HEADER}defaults: [override /methd: lb]\n": "defaults: unknown group methd: did you mean method?",
    f"{HEADER}defaults: [/method: lb]\n": "defaults: write - override /method: lb, not - /method: lb",
    f"{HEADER}defaults: [override method: lb]\n": (
        "defaults: write - override /method: lb, not - override method: lb"
    ),
    f"{HEADER}defaults: [override hydra/launcher: joblib]\n": (
        "defaults: hydra/launcher can't be chosen here: type hydra/launcher=NAME on the command line"
    ),
    f"{HEADER}defaults: [override /workload: digits_f1]\n": NO_METHOD,
    f"{HEADER}seed: 3\n": NO_METHOD,
}  # fmt: skip

RECIPE = "{name: w, small_batch: 16, large_batch: 64, ghost_size: 16, lr: [0.1], momentum: 0.9}"
WORKLOADS = {
    f"{HEADER}workload: {RECIPE}\nmodel: {{name: f1}}\n": (
        "workload.epochs, workload.released_momentum, data.name have no value: set them there, "
        "or add - /data: NAME below defaults:"
    ),
    f"defaults: [/data: digits]\nworkload: {RECIPE}\n": "its first line must be # @package _global_",
    f"workload: {RECIPE}\n": "its first line must be # @package _global_",
    f"{HEADER}defaults: [/workload: digits_f1]\n": (
        "defaults: write - digits_f1, not - /workload: digits_f1"
    ),
    f"{HEADER}defaults: [override /workload: digits_f1]\n": (
        "defaults: write - digits_f1, not - override /workload: digits_f1"
    ),
    f"{HEADER}workload: {{name: w, epochs: 3, lr: [0.1], momentum: 0.9}}\n": (
        "workload.small_batch, workload.large_batch, workload.ghost_size, workload.released_momentum, "
        "data.name, model.name have no value: set them there, or take them from another workload: "
        "add its name below defaults:, as in - digits_f1"
    ),
    f"{HEADER}defaults: [/data: digts]\n": "unknown data 'digts': did you mean digits?",
    f"{HEADER}defaults: [data: digits]\n": "defaults: write - /data: digits, not - data: digits",
    f"{HEADER}defaults: [digits_f1, _self_]\nmodl: {{name: f1}}\n": "unknown key modl: did you mean model?",
    f"{HEADER}defaults: [digits_f1, _self_]\nmodel: {{name: resnt44}}\n": (
        "model.name=resnt44 is unknown: did you mean model.name=resnet44?"
    ),
    f"{HEADER}defaults: [digits_f1, _self_]\nmodel: {{name: f1, options: {{widht: 3}}}}\n": (
        "model.name=f1 has no option widht: did you mean width?"
    ),
}
METHODS = {
    "name: mine\n": "method.batch_size has no value: set it there",
    "name: mine\nbatchsize: 3\n": "unknown key method.batchsize: did you mean method.batch_size?",
    "name: mine\nbatch_size: big\n": "method.batch_size=big must be a whole number",
    f"{HEADER}defaults: [lb, _self_]\n": (
        "it includes another method: remove # @package _global_ and write its keys without method:"
    ),
    "method: {name: mine}\n": "its first line must be # @package _global_",
}
SWEEPS = {
    "hydra: {sweeper: {params: {seed: 1}}}\n": "its first line must be # @package _global_",
    f"{HEADER}seed: 3\n": "seed is ignored here: list its values below hydra: sweeper: params:",
    f"{HEADER}defaults: [override hydra/sweeper: optuna]\n": (
        "defaults: hydra/sweeper can't be chosen here: "
        "list the runs below hydra: sweeper: params: in a file of the folder sweep"
    ),
    f"{HEADER}hydra: {{sweeper: {{params: {{seed: 1}}}}, launcher: {{n_jobs: 2}}}}\n": (
        "hydra: launcher: can't be set here: type hydra/launcher=NAME on the command line"
    ),
    f"{HEADER}hydra: {{sweeper: {{parms: {{seed: 3}}}}}}\n": (
        "it lists no runs: write hydra: sweeper: params: with +experiment: NAME,NAME and seed: 0,1,2"
    ),
    f"{HEADER}hydra: {{sweeper: {{params: {{+experiment: [digits_lb, digits_sb]}}}}}}\n": (
        "+experiment must be one text: write +experiment: digits_lb,digits_sb without brackets or dashes"
    ),
    f"{HEADER}hydra: {{sweeper: {{params: {{+experiment: digits_lbb}}}}}}\n": (
        "unknown experiment 'digits_lbb': did you mean digits_lb, digits_sb or digits_lb_gbn?"
    ),
}
WORDS = {
    "experiment": ["+experiment=mine"],
    "workload": ["workload=mine", "method=lb"],
    "method": ["workload=digits_f1", "method=mine"],
    "sweep": ["+sweep=mine"],
}
CASES = [
    (group, text, message)
    for group, found in zip(WORDS, (EXPERIMENTS, WORKLOADS, METHODS, SWEEPS), strict=True)
    for text, message in found.items()
]


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Writes a file of the folder `own` below the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(conf, "_added", [])

    def write(name, text):
        file = tmp_path / "own" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    yield write
    conf.names_in.cache_clear()


def mistake(command, words):
    with pytest.raises(UserError) as error:
        command(["--config-dir", "own", *words])
    return str(error.value)


@pytest.mark.parametrize(("group", "text", "message"), CASES)
def test_a_mistake_in_a_file_is_one_line_that_names_it(group, text, message, own):
    own(f"{group}/mine.yaml", text)
    assert mistake(train, WORDS[group]) == f"own/{group}/mine.yaml: {message}"
    assert mistake(status, WORDS[group]) == f"own/{group}/mine.yaml: {message}"


def test_the_file_that_another_one_includes_is_named(own):
    own("experiment/mine.yaml", f"{HEADER}defaults: [override /workload: w, override /method: lb]\n")
    own("workload/w.yaml", f"{HEADER}defaults: [digits_f1, _self_]\nworkload: {{lr: [0.1]}}\n")
    line = "workload.lr has 1 value and workload.milestones 1: give one more learning rate than milestones"
    assert mistake(train, ["+experiment=mine"]) == f"own/workload/w.yaml: {line}"
    assert mistake(train, ["+experiment=mine", "workload.lr=[1,1,1]"]).startswith("workload.lr has 3 values")


def test_a_file_that_would_not_be_found_is_said_to_be_renamed(own):
    own("experiment/digits_lb.yaml", f"{CELL}seed: 3\n")
    own("experiment/mine.yml", CELL)
    hidden = "gengap's own experiment digits_lb would be taken in its place: rename the file"
    assert mistake(train, ["+experiment=digits_lb"]) == f"own/experiment/digits_lb.yaml: {hidden}"
    renamed = "unknown experiment 'mine': rename own/experiment/mine.yml to mine.yaml"
    assert mistake(train, ["+experiment=mine"]) == renamed


def test_a_folder_of_another_layout_is_refused(own):
    own("mine.yaml", CELL)
    assert mistake(train, ["+experiment=mine"]).startswith("--config-dir own has no folder experiment")


@pytest.mark.parametrize(
    ("group", "text"),
    [
        ("experiment", f"{HEADER}defaults: [digits_lb, _self_]\nseed: 3\n"),
        ("experiment", f"{HEADER}defaults: [/experiment/digits_lb, override /data: digits]\n"),
        ("experiment", f"{CELL}model: {{options: {{depth: 3}}}}\n"
                       "method: {warmup_epochs: '${workload.milestones[0]}'}\n"
                       "workload: {milestones: [3]}\nresults_dir: ${oc.env:HOME}/x\n"),
        ("workload", "defaults: [digits_f1, _self_]\nepochs: 8\n"),
        ("workload", f"{HEADER}defaults: [digits_f1, _self_]\nworkload: {{name: w}}\nmodel: {{name: c1}}\n"),
        ("method", "# Comment.\ndefaults: [lb_gbn, _self_]\nghost_size: 32\n"),
        ("method", f"{HEADER}method: {{name: mine, batch_size: 32}}\n"),
        ("sweep", f"{HEADER}hydra: {{sweeper: {{params: {{+experiment: digits_lb, seed: 3}}}}}}\n"),
    ],
)  # fmt: skip
def test_what_hydra_composes_is_accepted(group, text, own, capsys):
    own(f"{group}/mine.yaml", text)
    assert train(["--config-dir", "own", *WORDS[group], "--cfg", "job"]) == 0
    assert capsys.readouterr().out
