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


OWN = """\
def broken_net(num_classes):
    return undefined

def misread(num_classes):
    return {}["width"]

def failing(num_classes):
    import torch
    class Net(torch.nn.Linear):
        def forward(self, images):
            assert not images.any(), ""
            return images["pixels"].name
    return Net(64, num_classes)

def images(folder):
    return open(folder / "absent.npy")

def unnamed(folder):
    raise RuntimeError

def forgotten(num_classes):
    pass
"""


@pytest.mark.parametrize(
    ("word", "line"),
    [
        (
            "model.name=MODULE:broken_net",
            "fails with NameError: name 'undefined' is not defined (MODULE.py, line 2)",
        ),
        ("model.name=MODULE:misread", "fails with KeyError: 'width' (MODULE.py, line 5)"),
        (
            "model.name=MODULE:failing",
            "can't take the images of data.name=digits, 1x8x8 (channels x height x width)",
        ),
        ("data.name=MODULE:images", "(MODULE.py, line 16)"),
        ("data.name=MODULE:unnamed", "fails with RuntimeError (MODULE.py, line 19)"),
        ("model.name=MODULE:forgotten", "returned a builtins.NoneType: let it return a torch.nn.Module"),
    ],
)
def test_error_of_one_s_own_factory_names_it_in_one_line(word, line, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    module = "factories_that_fail"
    monkeypatch.delitem(sys.modules, module, raising=False)
    (tmp_path / f"{module}.py").write_text(OWN)
    typed = word.replace("MODULE", module)
    with caplog.at_level("ERROR"):
        assert train(["+experiment=digits_lb", typed, "runtime.threads=1"]) == 2
    (logged,) = caplog.messages
    assert logged.startswith(f"gengap: {typed} ")
    assert line.replace("MODULE", module) in logged
    assert len(logged.splitlines()) == 1
    assert not (tmp_path / "results").exists()


def test_error_at_the_import_of_one_s_own_module_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "module_that_fails.py").write_text("import os\n1 / 0\n")
    message = "fails at its import with ZeroDivisionError: division by zero (module_that_fails.py, line 2)"
    with pytest.raises(UserError) as error:
        train(["+experiment=digits_lb", "model.name=module_that_fails:net"])
    assert str(error.value) == f"model.name=module_that_fails:net {message}"
