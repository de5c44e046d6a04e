"""Committed runs that the code must reproduce: bit for bit on the same machine, closely on others."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from gengap.config.compose import from_record
from gengap.config.identity import run_directory
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.runs.bits import unpack

GOLDEN = Path(__file__).parents[1] / "golden" / "digits_lb_gbn"
COMMITTED = Path(__file__).parents[2] / "results" / "runs" / "digits_f1-lb_gbn-0a472355" / "seed0"


def rows(directory: Path) -> list[dict[str, Any]]:
    """The metrics of a run, without `seconds`."""
    found = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if k != "seconds"} for row in found]


def processor() -> dict[str, str]:
    """What determines the rounding of sums, beside the version of torch."""
    try:
        lines = [
            line.partition(":") for line in Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
        ]
    except OSError:
        return {}
    found = {name.strip(): value.strip() for name, _, value in lines}
    return {name: found.get(name, "") for name in ("vendor_id", "cpu family", "model", "flags")}


@pytest.fixture
def repeated(digits) -> Path:
    """The directory of the same run, trained now."""
    config = digits("lb_gbn", "runtime.threads=1")
    assert execute(config) == Outcome.FINISHED
    return run_directory(config)


def test_golden_run_is_reproduced_bit_for_bit(repeated):
    machine = json.loads((GOLDEN / "machine.json").read_text())
    if machine != {"torch": torch.__version__, "processor": processor()}:
        pytest.skip("rounding differs: not the golden run's processor and version of torch")
    assert rows(repeated) == rows(GOLDEN)
    new, golden = (json.loads((d / "run.json").read_text()) for d in (repeated, GOLDEN))
    wrong = unpack(new.pop("misclassified"), new["data"]["validation"])  # the golden record is older
    assert 100 * (1 - wrong.mean()) == pytest.approx(new["summary"]["last_val_accuracy"], abs=1e-4)
    assert new.keys() - {"metrics_sha256", "began_after"} == golden.keys()
    assert new["data"].pop("fingerprint")  # likewise
    assert from_record(new["config"]) == from_record(golden["config"])  # which lacks newer keys
    for key in ("summary", "regime", "data", "tensors", "parameters", "digest", "engine"):
        assert new[key] == golden[key], key


@pytest.mark.parametrize("record", [GOLDEN, COMMITTED], ids=["golden", "results"])
def test_runs_of_other_machines_are_reproduced_closely(record, repeated):
    """Machines may differ by rounding only: 1e-4 relative, or one validation image."""
    for new, old in zip(rows(repeated), rows(record), strict=True):
        assert new.keys() == old.keys()
        for key, value in old.items():
            # 0.3 is one image in percent; 1e-6 is for biases before batch norm, which only rounding changes
            absolute = 0.3 if key.endswith("_error") else 1e-6
            assert new[key] == pytest.approx(value, rel=1e-4, abs=absolute), (old["update"], key)
