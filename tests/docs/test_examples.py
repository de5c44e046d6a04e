"""What the documents tell a reader to type works."""

import re
import subprocess
import sys

import pytest

from gengap.__main__ import main
from gengap.config import conf
from gengap.config.conf import names_in
from gengap.config.launchers import CHOICE, PACKAGES
from gengap.errors import DONE, FAILED, MISTAKE
from tests.docs.documents import DOCUMENTS, blocks, commands, section

pytestmark = pytest.mark.slow

# Sections whose commands are typed here, for they train in a moment and the Python blocks use their runs
TYPED = (
    ("README.md", "Trained weights, and the loss around them"),
    ("README.md", "Your own network"),
    ("docs/configuration.md", "Your own data set"),
    ("docs/landscape.md", "Measure"),
)
FEWER = {"walk": ["points=2", "draws=3"], "potential": ["directions=50"]}  # of `gengap landscape`
SHOWN_ONLY = {"train": ["--cfg", "job"], "bench": ["--help"], "prepare": ["--help"]}

EVERY_COMMAND = {" ".join(words): words for text in DOCUMENTS.values() for words in commands(text)}


def python_blocks():
    """Every Python block by the file name in its first line."""
    found = [block for text in DOCUMENTS.values() for block in blocks(text, "python")]
    names = [re.match(r"# (\w+\.py)\n", block) for block in found]
    assert all(names), "a Python block that doesn't open with its file's name"
    files = {name[1]: block for name, block in zip(names, found, strict=True)}
    assert len(files) == len(found)
    return files


def run(words, folder):
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def enter(words, folder):
    """Exit code of a `gengap` command typed in `folder`, run in this process, which has imported torch.

    What is cached per process about the user's own configuration must not change from one to the next.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", words)
        patch.setattr(sys, "path", ["", *sys.path[1:]])
        with pytest.raises(SystemExit) as end:
            main()
    return end.value.code


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A reader's folder, with the Python blocks and the runs of the sections in TYPED."""
    folder = tmp_path_factory.mktemp("reader")
    for name, block in python_blocks().items():
        (folder / name).write_text(block)
    for document, heading in TYPED:
        for words in commands(section(document, heading)):
            assert enter(words, folder) == DONE, words
    return folder


@pytest.mark.parametrize("name", python_blocks())
def test_python_examples_run(name, folder):
    run([name], folder)


def test_own_network_and_own_data_set_are_what_trained(folder):
    records = [file.read_text() for file in folder.glob("mine/runs/*/seed0/run.json")]
    assert len(records) == 4
    assert all('"status": "finished"' in record for record in records)
    assert sum('"name": "networks:convnet"' in record for record in records) == 1
    assert sum('"name": "own:parity"' in record for record in records) == 1
    assert "parity-lb_gbn-" in (folder / "mine" / "report" / "README.md").read_text()


def own_files(folder):
    """Writes the YAML blocks of docs/configuration.md to DIR; each is named in the paragraph before it."""
    text = DOCUMENTS["docs/configuration.md"]
    found = re.findall(r"`DIR/(\w+/\w+\.yaml)`[^`]*(?:`[^`\n]+`[^`]*)*```yaml\n(.*?)^```$", text, re.M | re.S)
    for name, block in found:
        file = folder / "DIR" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block)
    assert len(found) == len(blocks(text, "yaml"))


def test_own_files_of_the_documents_are_trained_and_reported(tmp_path):
    own_files(tmp_path)
    for words in commands(section("docs/configuration.md", "Hydra")):
        run(["-m", *words], tmp_path)
    places = ["--config-dir", "DIR", "results_dir=mine"]
    for words in (["+experiment=tiny_lb"], ["workload=wide", "method=lb"]):
        run(["-m", "gengap", "train", *words, *places], tmp_path)
    run(["-m", "gengap", "report", *places], tmp_path)
    report = (tmp_path / "mine" / "report" / "README.md").read_text()
    assert all(f"| {name}-" in report for name in ("digits_f1-lb_linear", "wide-lb"))
    assert "| tiny | ours |" in report


@pytest.mark.parametrize("words", EVERY_COMMAND.values(), ids=EVERY_COMMAND)
def test_every_command_is_one_that_gengap_takes(words, tmp_path, monkeypatch, caplog):
    for name in (word.removeprefix(CHOICE) for word in words if word.startswith(CHOICE)):
        if name not in names_in("hydra/launcher") and name in PACKAGES:
            pytest.skip(f"{PACKAGES[name]} is not installed")
    if "--config-dir" in words:
        own_files(tmp_path)
    monkeypatch.setattr(conf, "_added", [])
    shown = "--help" in words or "--cfg" in words
    monkeypatch.chdir(tmp_path)
    added = FEWER.get(words[2], []) if words[1] == "landscape" else SHOWN_ONLY.get(words[1], [])
    monkeypatch.setattr(sys, "argv", [*words, *([] if shown else added)])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as end:
        main()
    conf.names_in.cache_clear()
    nothing_there = {"report": FAILED, "landscape": MISTAKE}  # no records in this folder
    assert end.value.code in (DONE, nothing_there.get(words[1], DONE)), caplog.text
    assert end.value.code != MISTAKE or "is not trained: type gengap train " in caplog.text


def test_no_example_writes_into_the_committed_results():
    writing = {
        typed: words
        for typed, words in EVERY_COMMAND.items()
        if words[1] in ("train", "bench", "landscape") and not {"--help", "--cfg"} & set(words)
    }
    assert len(writing) > 10
    own = {"results_dir=mine", "results_dir=mine/packed"}
    assert [typed for typed, words in writing.items() if not own & set(words)] == []
