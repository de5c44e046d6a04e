"""`gengap status`: the state of each run, what it came to, what it differs in and what is left."""

import json
import shlex
from pathlib import Path

import pytest
from filelock import FileLock

from gengap.cli.status import main as status
from gengap.config.compose import compose_config
from gengap.config.identity import as_dict, run_directory
from gengap.errors import UserError
from gengap.launch.recording import published
from gengap.report.cells import read_records
from gengap.runs.checkpoint import save_checkpoint
from gengap.runs.record import LOCK
from gengap.runs.state import STATES, run_state
from tests.records import finished, fitted, record, row


def write(config, status: str, *, done: int = 0, updates: int = 10, accuracy: float = 90.0, **fields) -> Path:
    """A record of a run with `done` rows of metrics, one update and two seconds each."""
    directory = run_directory(config)
    directory.mkdir(parents=True)
    make = finished if status == "finished" else record
    found = make(
        published(as_dict(config)), updates, status=status, digest=directory.parent.name[-8:], **fields
    )
    if status == "finished":
        found["summary"] |= {"last_val_accuracy": accuracy, "best_val_accuracy": accuracy + 1}
    rows = [row(u) for u in range(1, done + 1)]
    rows = fitted(found, rows) if status == "finished" and done else rows
    (directory / "run.json").write_text(json.dumps(found))
    (directory / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return directory


def shown(capsys, *words: str) -> list[str]:
    assert status(words) == 0
    return capsys.readouterr().out.splitlines()


def counts(line: str) -> dict[str, int]:
    """The counts of a cell's line by state."""
    found = [0 if word == "·" else int(word) for word in line.split()[1 : len(STATES) + 1]]
    return {state: count for state, count in zip(STATES, found, strict=True) if count}


def test_finished_runs_show_their_mean_accuracy(digits, tmp_path, capsys):
    for seed, accuracy in enumerate((90.0, 91.0, 92.0)):
        write(digits("sb", f"seed={seed}"), "finished", done=10, accuracy=accuracy)
    _, line = shown(capsys, f"results_dir={tmp_path}")
    assert counts(line) == {"finished": 3}
    assert line.endswith("91.00 ± 1.00")


@pytest.mark.parametrize(
    ("recorded", "why"),
    [
        ({"data": {"train": 1, "validation": 1, "fingerprint": {"train": "b"}}}, "on other data"),
        ({"network": {"fingerprint": "b"}}, "of another network"),
    ],
)
def test_the_mean_is_that_of_the_report(recorded, why, digits, tmp_path, capsys):
    usual = {
        "data": {"train": 1, "validation": 1, "fingerprint": {"train": "a"}},
        "network": {"fingerprint": "a"},
    }
    for seed, changes in enumerate((recorded, {}, {})):
        write(digits("sb", f"seed={seed}"), "finished", done=10, accuracy=90.0 + seed, **usual | changes)
    _, line, below = shown(capsys, f"results_dir={tmp_path}")
    assert counts(line) == {"finished": 3}
    assert line.endswith("91.50 ± 0.71")
    assert below == f"  seed0 {why}: not in the mean"
    [group] = [*read_records(tmp_path).cells.values()]
    assert group.accuracies == [91.0, 92.0]


def test_unfinished_runs_show_how_far_they_are(digits, tmp_path, capsys):
    directory = write(digits("sb"), "running", done=6, updates=3604)
    save_checkpoint(directory, {"done": 4})
    _, line, below, *_ = shown(capsys, f"results_dir={tmp_path}")
    assert counts(line) == {"interrupted": 1}
    assert below == "  seed0 interrupted at update 4 of 3604, about 2.0 h left"  # 3600 updates of 2 s
    with FileLock(directory / LOCK):
        _, line, below = shown(capsys, f"results_dir={tmp_path}")
    assert counts(line) == {"training": 1}
    assert below.startswith("  seed0 training at update 6 of 3604")


@pytest.mark.parametrize(("saved", "done"), [(9, 9), (None, 0)])
def test_an_interrupted_run_is_where_it_continues(saved, done, digits):
    """At its checkpoint, before or after its last row of metrics; at the start where there is none."""
    directory = write(digits("sb"), "running", done=6)
    if saved:
        save_checkpoint(directory, {"done": saved})
    assert run_state(directory).done == done


def test_failed_and_diverged_runs_show_why(digits, tmp_path, capsys):
    write(digits("sb"), "failed", error="ValueError: no\nmore")
    write(digits("sb", "seed=1"), "diverged", done=3, error="the loss is not finite after 3 updates")
    _, line, *below = shown(capsys, f"results_dir={tmp_path}")
    assert counts(line) == {"failed": 1, "diverged": 1}
    reasons = ["failed: ValueError: no", "diverged: the loss is not finite after 3 updates"]
    assert below[:2] == [f"  seed{seed} {reason}" for seed, reason in enumerate(reasons)]
    assert below[2:] == [
        "",
        "These continue the runs above; the command that began them also trains what is not listed:",
        f"continue with: gengap train +experiment=digits_sb seed=0 results_dir={tmp_path}",
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["seed=3"],
        ["precision=bf16", "protocol=bigbatch"],
        ["method.batch_size=256", "workload.lr=[0.1,0.01]", "method.clip_norm=null"],
        ["protocol.reference_batch=32", "model.options.width=16", "data.name=my.own:data"],
    ],
)
def test_the_command_shown_continues_the_run(words, digits, tmp_path, capsys):
    directory = write(digits("lb_ra", *words), "running")
    *_, line = shown(capsys, f"results_dir={tmp_path}")
    gengap, train, *typed = shlex.split(line.removeprefix("continue with: "))
    assert (gengap, train) == ("gengap", "train")
    assert run_directory(compose_config(typed)) == directory


def test_seeds_of_a_cell_continue_with_one_command(digits, tmp_path, capsys):
    for seed in (0, 2, 5):
        write(digits("lb", f"seed={seed}"), "running" if seed else "finished", done=10)
    *_, line = shown(capsys, f"results_dir={tmp_path}", "data.root=elsewhere")
    places = f"results_dir={tmp_path} data.root=elsewhere"
    assert line == f"continue with: gengap train -m +experiment=digits_lb seed=2,5 {places}"


def test_the_command_shown_keeps_the_weights(digits, tmp_path, capsys):
    write(digits("lb", "runtime.keep_weights=true"), "running")
    *_, line = shown(capsys, f"results_dir={tmp_path}")
    kept = "runtime.keep_weights=true"
    assert line == f"continue with: gengap train +experiment=digits_lb seed=0 {kept} results_dir={tmp_path}"
    *_, line = shown(capsys, f"results_dir={tmp_path}", kept)
    assert line == f"continue with: gengap train +experiment=digits_lb seed=0 results_dir={tmp_path} {kept}"


def test_a_run_of_an_own_workload_asks_for_its_own_command(digits, tmp_path, capsys):
    directory = write(digits("lb", "workload.name=mine"), "running")
    *_, line = shown(capsys, f"results_dir={tmp_path}")
    assert line == f"to continue {directory.parent.name}, repeat the command that started it"


@pytest.mark.parametrize(
    ("words", "differs"),
    [
        ([], ""),
        (["precision=bf16"], "bf16"),
        (["protocol=bigbatch"], "bigbatch"),
        (["method.batch_size=128"], "method.batch_size=128"),
        (["workload.lr=[0.1,0.01]", "precision=bf16"], "bf16 workload.lr=[0.1,0.01]"),
        (["protocol=bigbatch", "protocol.reset_momentum=false"], "bigbatch protocol.reset_momentum=false"),
        (["workload.name=mine"], ""),  # there is no cell of this name to differ from
    ],
)
def test_runs_show_what_they_differ_in_from_their_cell(words, differs, digits, tmp_path, capsys):
    write(digits("lb", *words), "finished", done=10)
    _, line = shown(capsys, f"results_dir={tmp_path}")
    assert line.split("90.00", 1)[1].strip() == differs


@pytest.mark.parametrize(
    ("done", "reason"), [(0, "it is missing or empty"), (5, "it ends at update 5 of 10")]
)
def test_finished_runs_without_all_their_metrics_are_unreadable(done, reason, digits, tmp_path, capsys):
    directory = write(digits("sb"), "finished", done=done)
    assert status([f"results_dir={tmp_path}"]) == 0
    out, err = capsys.readouterr()
    assert counts(out.splitlines()[1]) == {"unreadable": 1}
    assert err.startswith(f"gengap: {directory / 'metrics.jsonl'} is damaged ({reason})")


def test_selected_runs_are_counted_and_the_command_for_the_rest_is_shown(digits, tmp_path, capsys):
    write(digits("sb", "seed=1"), "finished", done=10)
    write(digits("sb", "seed=0"), "running")
    words = ["+sweep=quickstart", f"results_dir={tmp_path}", "seed=0,1,2"]
    header, *lines = shown(capsys, *words)
    assert header.split()[: len(STATES)] == list(STATES)
    assert counts(lines[0]) == {"finished": 1, "interrupted": 1, "missing": 1}
    assert counts(lines[2]) == {"missing": 3}
    assert lines[-1] == f"continue with: gengap train {' '.join(words)}"


def test_an_unknown_sweep_or_argument_is_an_error():
    with pytest.raises(UserError, match="quickstart"):
        status(["+sweep=quikstart"])
    with pytest.raises(UserError, match="nonsense"):
        status(["nonsense"])


def test_a_folder_that_may_only_be_read_shows_its_runs(digits, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    directory = write(digits("sb"), "running", done=6)
    (directory / LOCK).touch()
    monkeypatch.setattr(FileLock, "acquire", refuse)
    assert run_state(directory).name == "interrupted"
