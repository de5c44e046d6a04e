"""`gengap plan`: its numbers against closed forms and against torch's own optimizers and schedulers."""

import json
import re
import subprocess
import sys
from bisect import bisect_right
from fractions import Fraction
from math import floor, sqrt
from pathlib import Path

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gengap.cli import plan
from gengap.ghost import GhostBatchNorm1d
from gengap.paper import tables as paper
from gengap.plan.evidence import closed_in_paper
from gengap.plan.question import read_question
from tests.plan.words import TYPED, replaced, values

pytestmark = pytest.mark.slow

SMALL = ["small_batch=4", "large_batch=16", "dataset_size=70", "epochs=3", "milestones=1,2", "lr=0.1"]


def answer(arguments: list[str], as_json: bool = False) -> str:
    return plan.answer(values(arguments), as_json=as_json)


def columns(*arguments: str) -> dict[str, dict]:
    found = json.loads(answer([*arguments, "results_dir=/nowhere"], as_json=True))
    return {p["method"]: p for p in found["methods"]}


def test_the_documented_example_in_closed_form():
    found = columns(*TYPED)
    size = 1_281_167
    for method in ("sb", "lb_ra"):
        assert found[method]["updates"] == 90 * size // 256
        assert found[method]["milestones_updates"] == [30 * size // 256, 60 * size // 256, 80 * size // 256]
    for method in ("lb", "lb_lr", "lb_gbn"):
        assert found[method]["updates"] == 90 * size // 4096
        assert found[method]["milestones_updates"] == [e * size // 4096 for e in (30, 60, 80)]
    for method in ("sb", "lb"):
        assert found[method]["lr"] == [0.1, 0.01, 0.001, 0.0001]
        assert found[method]["lr_linear"] == []
    for method in ("lb_lr", "lb_gbn", "lb_ra"):
        assert found[method]["lr"] == pytest.approx([0.4, 0.04, 0.004, 0.0004], rel=1e-12)
        assert found[method]["lr_linear"] == pytest.approx([1.6, 0.16, 0.016, 0.0016], rel=1e-12)
    assert found["lb_ra"]["epochs"] == 90 * 16
    assert found["lb_ra"]["milestones_epochs"] == [480, 960, 1280]
    assert found["lb_ra"]["cost"] == 16
    assert found["lb_ra"]["samples_seen"] == 90 * size // 256 * 4096
    assert [found[m]["ghost_size"] for m in ("sb", "lb", "lb_lr", "lb_gbn", "lb_ra")] == [
        None, None, None, 128, 128,
    ]  # fmt: skip


@settings(max_examples=8, deadline=None)  # each composes five methods
@given(
    small=st.integers(1, 5000),
    times=st.integers(2, 64),
    size=st.integers(10**6, 2 * 10**6),
    epochs=st.integers(1, 3000).map(lambda n: Fraction(n, 10)),
)
def test_regime_adaptation_makes_the_small_batch_s_updates(small, times, size, epochs):
    assume(small * times <= size)
    recipe = [f"small_batch={small}", f"large_batch={small * times}", "lr=0.1", f"dataset_size={size}"]
    question = read_question(
        values([*recipe, f"epochs={float(epochs)}", f"milestones={float(epochs) / 2}", "ghost_size=1"])
    )
    found = {p.method: p for p in plan_of(question)}
    assert found["sb"].updates == found["lb_ra"].updates == floor(epochs * size / small)
    assert found["sb"].milestones_updates == found["lb_ra"].milestones_updates
    assert found["lb_ra"].cost == times
    assert found["lb_gbn"].updates == floor(epochs * size / (small * times))
    assert found["lb_lr"].lr[0] == pytest.approx(0.1 * sqrt(times))


def plan_of(question):
    from gengap.plan.methods import plan as methods

    return methods(question)


@pytest.mark.parametrize(
    ("arguments", "ghost"),
    [
        (["small_batch=32", "large_batch=4096"], 32),
        (["small_batch=256", "large_batch=4096"], 128),
        (["small_batch=100", "large_batch=4096"], 64),
        (["small_batch=96", "large_batch=960"], 96),
        (["small_batch=256", "large_batch=4096", "ghost_size=512"], 512),
    ],
)
def test_ghost_size(arguments, ghost):
    question = read_question(values([*arguments, "lr=1", "epochs=1", "dataset_size=10000"]))
    assert question.ghost_size == ghost
    assert question.large_batch % ghost == 0


def test_the_paper_s_share_of_the_gap_is_that_of_its_tables():
    cell = {(p.table, p.workload, p.method): float(p.accuracy) for p in paper.published()}
    shares = []
    for workload in paper.workloads(1):
        low, high = cell[1, workload, "lb"], cell[1, workload, "sb"]
        shares.append((cell[1, workload, "lb_ra"] - low) / (high - low) * 100)
    found = closed_in_paper(1)
    assert (found.rows, found.batches) == (6, (4096,))
    assert found.mean["lb_ra"] == pytest.approx(sum(shares) / 6)
    assert (found.lowest["lb_ra"], found.highest["lb_ra"]) == pytest.approx((min(shares), max(shares)))
    assert closed_in_paper(2).batches == (2048,)  # footnote 8
    sb, lb, *gbn = (
        float(paper.accuracy(row, m))
        for row, m in (
            ("imagenet_alexnet", "sb"),
            ("imagenet_alexnet", "lb"),
            *((row, "lb_gbn") for row in paper.rows(2)),
        )
    )
    assert closed_in_paper(2).mean["lb_gbn"] == pytest.approx((sum(gbn) / 2 - lb) / (sb - lb) * 100)


def test_every_number_in_the_text_is_in_the_data():
    recipe = ["small_batch=96", "large_batch=1344", "lr=0.3", "gamma=0.2", "epochs=70", "milestones=20,50"]
    arguments = [*recipe, "dataset_size=31337", "ghost_size=48", "warmup_epochs=4", "micro_batch=336"]
    text = answer([*arguments, "results_dir=/nowhere"])
    text = text[: text.index("LB+LR+GBN+RA:\n")].replace(",", "")
    data = json.loads(answer([*arguments, "results_dir=/nowhere"], as_json=True))
    known = {f"{float(v):.6g}" for a in arguments for v in re.findall(r"[\d.]+", a)}
    known |= {f"{v:.{digits}g}" for v in numbers(data["methods"]) for digits in (3, 6, 15)}
    known |= {f"{v:.0f}" for v in numbers(data["paper"])}
    known |= {f"{14**0.5:.6g}", "14", "28", "4"}  # √(B_L/B_S), B_L/B_S, ghosts, micro-batches
    known |= {"44"}  # Resnet44
    known |= {"1", "2", "3", "16", "64"}  # phases and tables; the paper's smallest and largest B_L/B_S
    known |= {"7", "2017", "5", "10", "128", "2022"}  # eq. 7, years, warm-up of Goyal et al., CIFAR-10
    assert set(re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", text)) - known == set()


def numbers(node):
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        return [n for item in node for n in numbers(item)]
    return [node] if isinstance(node, (int, float)) else []


def test_a_recipe_of_one_phase_has_no_milestones():
    text = answer(["small_batch=1", "large_batch=7", "lr=0.1", "epochs=1", "dataset_size=10"])
    assert "phase 1" in text
    assert "phase 2" not in text
    assert "milestones" not in text


def test_the_clipping_norm_is_the_loop_s_and_the_text_s():
    recipe = ["small_batch=1", "large_batch=7", "lr=0.1", "epochs=1", "dataset_size=10"]
    usual, changed = answer(recipe), answer([*recipe, "clip_norm=0.5"])
    usual_text, changed_text = (" ".join(text.split()) for text in (usual, changed))
    assert "gengap, clip it to a norm of 5 at every update. - Warm-up" in usual_text
    assert "gengap, clip it to a norm of 5 at every update; here to 0.5. - Warm-up" in changed_text
    assert "clip_grad_norm_(model.parameters(), 5)" in usual
    assert "clip_grad_norm_(model.parameters(), 0.5)" in changed


def test_our_report_is_shown_with_its_seeds_and_its_absence_too(tmp_path):
    place = tmp_path / "report"
    assert f"{place} does not exist here" in answer([*TYPED, f"results_dir={tmp_path}"])
    place.mkdir()
    assert f"{place} has no cell with finished runs" in answer([*TYPED, f"results_dir={tmp_path}"])
    (tmp_path / "report" / "table1.csv").write_text(
        "kind,workload,method,n,mean,std\ncell,mnist_f1,sb,2,98.1250,0.0354\ncell,mnist_f1,lb,1,97.0000,\n"
        "cell,mnist_f1,lb_lr,0,,\nvariant,mnist_f1,sb,3,11.1111,1.0000\n"
    )
    text = answer([*TYPED, f"results_dir={tmp_path}"])
    assert "98.12 ± 0.04 (n=2)  97.00 (n=1)" in text
    assert "11.11" not in text
    printed = [p.accuracy for p in paper.published() if p.workload == "mnist_f1"]
    assert re.search(r"paper +" + " +".join(map(re.escape, printed)), text)


def test_the_committed_report_has_what_plan_reads():
    results = Path(__file__).parents[2] / "results"
    found = json.loads(answer([*TYPED, f"results_dir={results}"], as_json=True))["records"]
    digits = next(row for row in found if row["workload"] == "digits_f1")
    assert set(digits["cells"]) == {"sb", "lb", "lb_lr", "lb_gbn", "lb_ra"}


class Recorder(torch.optim.SGD):
    """SGD that notes the learning rate of every step."""

    rates: list[float]

    def step(self, closure=None):
        self.rates.append(self.param_groups[0]["lr"])
        return super().step(closure)


@pytest.mark.parametrize(
    "extra",
    [
        [], ["gamma=0.5"], ["lr=0.1,0.05,0.001"], ["warmup_epochs=1"], ["micro_batch=8"], ["milestones=1.5"],
        ["method=lb_gbn", "micro_batch=8"], ["method=lb_lr", "warmup_epochs=1"],
    ],
)  # fmt: skip
def test_the_printed_loop_runs_and_makes_the_planned_updates_at_the_planned_rates(extra, monkeypatch):
    arguments = replaced(SMALL, extra)
    data = json.loads(answer([*arguments, "results_dir=/nowhere"], as_json=True))
    method = values(extra).get("method", "lb_ra")
    planned = next(p for p in data["methods"] if p["method"] == method)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.BatchNorm1d(5), torch.nn.Linear(5, 2))
    samples = torch.utils.data.TensorDataset(torch.randn(70, 3), torch.arange(70) % 2)
    rates: list[float] = []
    monkeypatch.setattr(Recorder, "rates", rates, raising=False)
    monkeypatch.setattr(torch.optim, "SGD", Recorder)
    exec(data["code"], {"model": model, "train_set": samples})  # the code a user is told to paste
    assert len(rates) == planned["updates"] == (3 * 70 // 4 if method == "lb_ra" else 3 * 70 // 16)
    expected = [planned["lr"][bisect_right(planned["milestones_updates"], u)] for u in range(len(rates))]
    for update in range(planned["warmup_updates"]):
        share = update / planned["warmup_updates"]
        expected[update] = 0.1 + (planned["lr"][0] - 0.1) * share
    assert rates == pytest.approx(expected, rel=1e-4)
    assert isinstance(model[1], GhostBatchNorm1d) == (method != "lb_lr")
    assert method == "lb_lr" or model[1].ghost_size == 4


def test_adam_gets_the_square_root_and_the_betas_of_malladi_et_al():
    data = json.loads(answer([*SMALL, "optimizer=adam"], as_json=True))
    assert "lr=0.2, betas=(0.6, 0.996), eps=1e-8 / 2)" in data["code"]
    assert "betas 0.6 and 0.996" in data["notes"][-1]
    beyond = json.loads(answer([*TYPED, "optimizer=adam"], as_json=True))
    assert "betas=(0.9, 0.999))" in beyond["code"]
    assert "negative" in beyond["notes"][-1]


def test_plan_needs_neither_torch_nor_records(tmp_path):
    probe = f"import sys; from gengap.cli.plan import main; main({TYPED}); "
    probe += "assert not {'torch', 'pandas', 'matplotlib'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "450,410" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_workload_trained_in_bf16_only_is_shown_as_such(tmp_path):
    (tmp_path / "report").mkdir()
    head = "kind,workload,method,n,mean,std,precision,protocol\n"
    rows = [
        "cell,mnist_f1,sb,1,98.0000,,fp32,paper",
        "cell,mnist_f1,sb,1,11.1111,,bf16,paper",
        "cell,cifar10_c1,sb,1,87.3700,,bf16,paper",
        "cell,cifar10_c1,lb,1,22.2222,,bf16,bigbatch",
    ]
    (tmp_path / "report" / "table1.csv").write_text(head + "\n".join(rows) + "\n")
    text = answer([*TYPED, f"results_dir={tmp_path}"])
    assert "C1, CIFAR-10 (bf16)" in text
    assert "87.37 (n=1)" in text
    assert "11.11" not in text
    assert "22.22" not in text


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ([], "Ghost size 16: the largest divisor of the large batch"),
        (["ghost_size=8"], "Ghost size 8: as you set it."),
        (["ghost_size=32"], "batch norm then sees more samples at once than in the recipe that worked"),
    ],
)
def test_the_ghost_size_is_explained_as_it_came_about(typed, says):
    recipe = ["small_batch=16", "large_batch=64", "lr=0.1", "epochs=2", "dataset_size=1000"]
    assert says in " ".join(answer([*recipe, *typed]).split())
