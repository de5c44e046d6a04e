"""Names of networks and data sets, checked without importing torch."""

import subprocess
import sys

import pytest

from gengap.cli.train import main as train
from gengap.config.factory import DATA_SETS, OPTIONS_OF
from gengap.data.load import SOURCES
from gengap.errors import UserError
from gengap.models import MODELS
from gengap.models.signature import keywords, parameters


def test_names_and_options_are_those_of_the_networks_and_data_sets():
    options = {
        name: [k for k in keywords(parameters(name, f)) if k != "num_classes"] for name, f in MODELS.items()
    }
    assert {name: list(taken) for name, taken in OPTIONS_OF.items()} == options
    assert tuple(SOURCES) == DATA_SETS


@pytest.mark.parametrize("word", ["model.name=resnt44", "model.options.widht=3", "model.name=absent:net"])
def test_a_wrong_name_is_told_before_torch_is_imported(word):
    probe = (
        "import sys\nfrom gengap.cli.train import main\nfrom gengap.errors import UserError\n"
        f"try:\n    main(['+experiment=digits_lb', {word!r}])\n"
        "except UserError:\n    assert 'torch' not in sys.modules\nelse:\n    sys.exit(1)\n"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True)


def test_syntax_error_in_one_s_own_module_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "broken_network.py").write_text("def net(num_classes)\n")
    with pytest.raises(UserError, match=r"can't be imported: expected ':' \(broken_network.py, line 1\)$"):
        train(["+experiment=digits_lb", "model.name=broken_network:net"])
    assert [p.name for p in tmp_path.iterdir() if p.is_dir() and p.name != "__pycache__"] == []


def test_a_finished_run_does_not_need_its_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    module = tmp_path / "passing_network.py"
    module.write_text("from gengap.models.f1 import f1\ndef net(num_classes): return f1(num_classes, 64)\n")
    words = ["+experiment=digits_lb", "model.name=passing_network:net", "workload.epochs=1"]
    words += ["workload.milestones=[0.5]", "runtime.threads=1"]
    assert train(words) == 0
    module.unlink()
    del sys.modules["passing_network"]
    assert train(words) == 0
