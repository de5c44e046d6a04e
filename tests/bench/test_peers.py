"""Other trainers beside gengap; what needs their libraries runs where scripts/bench-peers installed them."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gengap.bench import turns
from gengap.bench.peers import PEERS
from gengap.cli.bench import main
from gengap.errors import UserError
from gengap.report.measurements import read_measurements
from gengap.report.peers import TITLES, peers, peers_table

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
installed = pytest.mark.skipif(not PYTHON.exists(), reason="scripts/bench-peers has not been run")
ROW: dict[str, Any] = {
    "workload": "mnist_f1", "method": "lb_ra", "batch_size": 4096, "ghost_size": 128, "precision": "fp32",
    "trainer": "composer", "versions": {"mosaicml": "0.32.1", "torch": "2.7.0"}, "turns": 5, "ratio": 3.14159,
    "ratio_low": 3.0, "ratio_high": 3.25, "seconds": 0.5, "gengap_seconds": 0.125, "memory": 1000,
    "gengap_memory": 900,
}  # fmt: skip


def test_table() -> None:
    found = peers_table([ROW])
    assert dict(zip(found.header, found.rows[0], strict=True)) == {
        "workload": "F1, MNIST", "batch / ghost": "4,096 / 128", "precision": "fp32", "trainer": "composer",
        "batches": "DataLoader", "versions": "mosaicml 0.32.1, torch 2.7.0", "gengap is": "3.14x",
        "quartiles": "3.00–3.25", "images/s": "8,192", "gengap images/s": "32,768", "MiB": "1,000",
        "gengap MiB": "900", "turns": "5",
    }  # fmt: skip
    assert peers({"rows": []}) == ()


def test_every_trainer_has_a_title() -> None:
    assert set(TITLES) == {"typical", *PEERS}


def test_composer_does_not_train_in_bf16_on_a_cpu() -> None:
    both = ("fp32", "bf16")
    assert PEERS["composer"].precisions(both, on_cpu=True) == ["fp32"]
    assert PEERS["composer"].precisions(both, on_cpu=False) == list(both)
    assert PEERS["lightning"].precisions(both, on_cpu=True) == list(both)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["peers=nowhere/python"],
            "peers=nowhere/python is no Python that can be started: install them with",
        ),
        (["peers=."], "peers=. is no Python that can be started"),
        (["peers=true"], "peers=true is no Python that can be started"),
        (["peers=/bin/false"], "peers=/bin/false lacks composer, Lightning or OmegaConf: install them with"),
        (["peers=/bin/true", "ranks=1"], "ranks and peers are measured separately"),
        (
            ["peers=/bin/true", "workload=photographs_c1", "data.root=x"],
            "data.root: photographs are not measured",
        ),
    ],
    ids=str,
)
def test_mistakes_get_a_line(words: list[str], line: str) -> None:
    with pytest.raises(UserError) as error:
        main(words)
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)


@installed
@pytest.mark.parametrize("method", ["sb", "lb_gbn"])
@pytest.mark.parametrize("name", [name for name, peer in PEERS.items() if peer.in_memory])
def test_a_trainer_makes_the_updates_of_a_plain_loop(name: str, method: str) -> None:
    """And the same running statistics, but for composer's, of ghosts."""
    command = [PYTHON, ROOT / "tests" / "bench" / "peer_updates.py", name, method]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    apart = json.loads(done.stdout.splitlines()[-1])
    assert apart["weights"] < 1e-6
    assert (apart["running statistics"] > 0.1) == (name.startswith("composer") and method == "lb_gbn")


@installed
def test_trainers_are_measured_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)  # one update per turn
    words = ["workload=digits_f1", "method=lb_gbn", "precision=fp32", "rounds=1", f"results_dir={tmp_path}"]
    assert main([f"peers={PYTHON}", *words]) == 0
    (document,), unreadable = read_measurements(tmp_path)
    assert unreadable == []
    found = {row["trainer"]: row for row in document["peers"]}
    assert set(found) == set(TITLES)
    for row in found.values():
        assert row["ratio"] == pytest.approx(row["seconds"] / row["gengap_seconds"])  # of one turn
    assert found["composer"]["versions"].keys() == {"mosaicml", "torch"}
    page = next((tmp_path / "bench").glob("*.md")).read_text()
    assert "## Beside other trainers" in page
