"""The Hessian beside other libraries: they agree on real weights, and what is printed and recorded."""

import json
from importlib import util
from typing import Any

import pytest

from gengap.cli.bench import main
from gengap.cli.train import main as train
from gengap.errors import UserError
from gengap.report.hessian import hessian, hessian_table

pytestmark = pytest.mark.slow

ROW: dict[str, Any] = {
    "workload": "mnist_f1", "method": "lb", "samples": 5000, "library": "PyHessian", "version": "0.1",
    "setting": "tol=1e-04", "gengap_setting": "tolerance=0.01", "ratio": 1.257, "ratio_low": 1.2,
    "ratio_high": 1.3, "seconds": 2.5, "gengap_seconds": 2.0, "off": 0.00031, "gengap_off": 0.000002,
    "turns": 5,
}  # fmt: skip


def test_table():
    found = hessian_table([ROW])
    assert dict(zip(found.header, found.rows[0], strict=True)) == {
        "workload": "F1, MNIST", "method": "LB", "samples": "5,000", "library": "PyHessian 0.1",
        "setting": "tol=1e-04", "gengap's setting": "tolerance=0.01", "gengap is": "1.26x",
        "quartiles": "1.20–1.30", "seconds": "2.5", "gengap seconds": "2.0", "off by": "3e-04",
        "gengap off by": "2e-06", "turns": "5",
    }  # fmt: skip
    assert hessian({"rows": []}) == ()


def test_all_find_the_same_eigenvalue(tmp_path, capsys):
    mine = f"results_dir={tmp_path}"
    train(["+experiment=digits_lb", "runtime.keep_weights=true", "runtime.threads=1", mine])
    (run,) = tmp_path.glob("runs/*/seed0")
    for _ in range(2):  # the second measurement replaces the first one
        assert main([f"hessian={run}", "samples=1000", "rounds=2", mine]) == 0
    (file,) = tmp_path.glob("bench/*.json")
    document = json.loads(file.read_text())
    rows = document["hessian"]
    assert [row["library"] for row in rows] == ["PyHessian", "hessian-eigenthings"]
    for row in rows:
        assert row["weights"] == json.loads((run / "run.json").read_text())["weights_sha256"]
        assert row["off"] <= 1e-3
        assert row["gengap_off"] <= 1e-3
        assert 0 < row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
    assert document["rows"] == []
    (page,) = tmp_path.glob("bench/*.md")
    assert "The Hessian beside other libraries" in page.read_text()
    assert "hessian-eigenthings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["samples=5"], "samples is for hessian: add hessian=RUN"),
        (["hessian=there", "workload=mnist_f1"], "workload is not for hessian, which takes the run's"),
        (["hessian=there", "samples=0"], "samples=0 must be a positive whole number"),
        (["hessian=there"], "there has no run.json: name a run's folder"),
    ],
)
def test_mistakes(words, line):
    with pytest.raises(UserError, match=line):
        main(words)


def test_missing_libraries_are_named(monkeypatch):
    monkeypatch.setattr("gengap.cli.bench.find_spec", lambda name: None if name == "pyhessian" else util)
    with pytest.raises(UserError, match=r"PyHessian can't be imported: type pip install .*\[hessian\]"):
        main(["hessian=there"])
