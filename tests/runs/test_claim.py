"""The claim on a run, which keeps other processes away where the file system's locks do nothing."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import Timeout

from gengap.config.identity import run_directory
from gengap.errors import UNFINISHED
from gengap.faults import MachineError
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.runs import claim
from gengap.runs.claim import PART, PREFIX, STALE, ClaimedError, is_claimed
from gengap.runs.holder import Holder
from gengap.runs.record import LOCK
from gengap.runs.state import run_state
from gengap.runs.store import Run

# Before gengap is imported: what flock does on a file system whose locks do nothing, or that has none
NO_LOCKS = {
    "granted to everyone": "import fcntl; fcntl.flock = lambda *_: None",
    "refused": "import errno, fcntl\n"
    "def flock(*_): raise OSError(errno.ENOLCK, 'No locks available')\n"
    "fcntl.flock = flock",
}
HOLDS = (
    "import sys, pathlib; from gengap.runs.store import Run\n"
    "with Run(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture(params=[None, errno.ENOLCK], ids=["granted to everyone", "refused"])
def no_locks(request, monkeypatch):
    def flock(*_):
        if request.param:
            raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", flock)


def claims(directory: Path) -> list[Path]:
    return list(directory.glob(f"{PREFIX}*"))


def elsewhere(directory: Path, age: float = 0.0, number: int = 1) -> Path:
    """A claim by a process of another machine that refreshed it so many seconds ago."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{PREFIX}{number}"
    file.write_text(Holder("node7", "its boot", 12, "345", "a token").written())
    os.utime(file, (time.time() - age,) * 2)
    return file


@pytest.fixture
def holding():
    """Starts a process that holds a run, and waits until it does."""
    processes = []

    def hold(directory: Path) -> subprocess.Popen:
        command = [sys.executable, "-c", f"{NO_LOCKS['granted to everyone']}\n{HOLDS}", str(directory)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in processes:
        process.kill()
        process.communicate()


def test_one_process_at_a_time_without_locks(no_locks, tmp_path, holding):
    process = holding(tmp_path)
    assert is_claimed(tmp_path)
    with pytest.raises(Timeout, match=f"process {process.pid} on .*, seen 0 s ago"), Run(tmp_path):
        pass
    process.communicate("")
    assert claims(tmp_path) == []
    with Run(tmp_path):
        assert is_claimed(tmp_path)
    assert not is_claimed(tmp_path)


@pytest.mark.parametrize("reaped", [True, False])
def test_the_run_of_a_process_killed_on_this_machine_goes_on_at_once(reaped, no_locks, tmp_path, holding):
    process = holding(tmp_path)
    process.kill()
    if reaped:
        process.wait()
    else:  # a zombie, which takes signals as if it lived
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with Run(tmp_path):
        assert len(claims(tmp_path)) == 1


def test_a_pid_that_is_used_again_holds_nothing(no_locks, tmp_path):
    own = Holder.this_process()
    file = tmp_path / f"{PREFIX}1"
    file.write_text(Holder(own.host, own.machine, own.pid, "1", "a token").written())
    with Run(tmp_path):
        assert [f.name for f in claims(tmp_path)] == [f"{PREFIX}2"]


def test_the_run_of_another_machine_is_taken_when_it_is_stale(no_locks, tmp_path):
    file = elsewhere(tmp_path, age=STALE - 60)
    with pytest.raises(Timeout, match="process 12 on node7, seen 4 min ago"), Run(tmp_path):
        pass
    os.utime(file, (time.time() - STALE - 1,) * 2)
    with Run(tmp_path) as run:
        run.truncate_metrics(0)
        assert not file.exists()


def test_a_process_that_stood_still_writes_nothing_more(no_locks, tmp_path, monkeypatch):
    with Run(tmp_path) as first:
        (own,) = claims(tmp_path)
        os.utime(own, (time.time() - STALE - 1,) * 2)
        monkeypatch.setattr(Holder, "is_dead", lambda self: False)
        with Run(tmp_path) as second:
            for write in (
                lambda: first.update_record(status="running"),
                lambda: first.append_metrics({"update": 1}),
                first.sync_metrics,
                lambda: first.truncate_metrics(0),
            ):
                with pytest.raises(MachineError, match="another process took this run over"):
                    write()
            second.append_metrics({"update": 1})
            assert len(claims(tmp_path)) == 1
    assert claims(tmp_path) == []


def test_two_that_take_a_stale_run_at_once(no_locks, tmp_path, monkeypatch):
    """The second looks at the folder before the first creates its claim, and creates its own after that."""
    elsewhere(tmp_path, age=2 * STALE)
    first, second = Run(tmp_path), Run(tmp_path)
    link, entered = os.link, []

    def other_first(part, file):
        if not entered:
            entered.append(first)
            first.__enter__()
        link(part, file)

    monkeypatch.setattr(os, "link", other_first)
    with pytest.raises(Timeout, match="has just begun"):
        second.__enter__()
    first.append_metrics({"update": 1})
    first.__exit__()


def test_one_that_saw_an_older_state_of_the_folder_steps_back(no_locks, tmp_path, monkeypatch):
    """Its number is another than that of the claim that it did not see."""
    elsewhere(tmp_path, age=2 * STALE, number=4)
    seen = claim._claims
    monkeypatch.setattr(claim, "_claims", lambda directory: seen(directory)[-1:])
    late = Run(tmp_path)
    link = os.link

    def other_first(part, file):
        monkeypatch.setattr(claim, "_claims", seen)
        elsewhere(tmp_path)
        link(part, file)

    monkeypatch.setattr(os, "link", other_first)
    with pytest.raises(Timeout, match="node7"):
        late.__enter__()
    assert not (tmp_path / f"{PREFIX}5").exists()


def test_the_claim_is_refreshed_whatever_the_run_does(no_locks, tmp_path, monkeypatch):
    refreshed = []
    touch = os.utime
    monkeypatch.setattr(claim, "BEAT", 0.001)
    monkeypatch.setattr(os, "utime", lambda path, *a: (refreshed.append(Path(path).name), touch(path, *a)))
    with Run(tmp_path) as run:
        while refreshed.count(f"{PREFIX}1") < 3:
            time.sleep(0.001)
        assert run._claim._beating.is_alive()
    assert not run._claim._beating.is_alive()


def test_a_command_says_who_trains_the_run_and_status_that_it_trains(digits, no_locks, caplog):
    config = digits("sb", "workload.epochs=2", "workload.milestones=[1]")
    directory = run_directory(config)
    file = elsewhere(directory)
    caplog.set_level("INFO")
    assert execute(config) == Outcome.BUSY
    assert caplog.messages[-1].startswith(f"{directory} is being trained by process 12 on node7, seen ")
    os.utime(file, (time.time() - 2 * STALE,) * 2)
    assert execute(config) == Outcome.FINISHED
    assert claims(directory) == []
    assert run_state(directory).name == "finished"


@pytest.mark.slow
@pytest.mark.parametrize("locks", NO_LOCKS)
def test_two_commands_without_locks_train_every_run_once(locks, tmp_path):
    """A sweep by two processes at once: one of them trains a run, and the other passes it over."""
    main = f"{NO_LOCKS[locks]}\nimport sys\nfrom gengap.__main__ import main\nsys.exit(main())"
    words = "train -m +experiment=digits_lb seed=0,1,2,3 workload.epochs=20 workload.milestones=[15]"
    command = [sys.executable, "-c", main, *words.split(), "results_dir=mine", "runtime.threads=1"]
    both = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate()[1] for process in both]
    assert {process.returncode for process in both} <= {0, UNFINISHED}, said
    finished = [line for text in said for line in text.splitlines() if ": finished, " in line]
    assert len(finished) == len(set(finished)) == 4
    for log in tmp_path.glob("mine/runs/*/*/run.log"):
        assert log.read_text().count(": finished, ") == 1
    assert list(tmp_path.glob(f"mine/runs/*/*/{PREFIX}*")) == []
    assert len(list(tmp_path.glob(f"mine/runs/*/*/{LOCK}"))) == 4


KILLED_WHILE_CLAIMING = (
    "import os, signal, sys, pathlib; from gengap.runs.store import Run\n"
    "def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)\n"
    "{} = die\n"
    "Run(pathlib.Path(sys.argv[1])).__enter__()"
)


@pytest.mark.parametrize("where", ["os.link", "pathlib.Path.write_text"])
def test_a_process_that_is_killed_while_it_claims_a_run_keeps_nobody_out(where, tmp_path):
    """An empty claim would, for five minutes: nobody can see whose it is."""
    code = KILLED_WHILE_CLAIMING.format(where)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not is_claimed(tmp_path)
    (tmp_path / f"{PREFIX}f00d{PART}").touch()
    os.utime(tmp_path / f"{PREFIX}f00d{PART}", (0, 0))
    with Run(tmp_path):
        assert is_claimed(tmp_path)
        assert not (tmp_path / f"{PREFIX}f00d{PART}").exists()


def test_without_hard_links_a_claim_is_created_in_place(tmp_path, monkeypatch):
    def link(*_):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    with Run(tmp_path):
        (file,) = claims(tmp_path)
        assert Holder.read(file).pid == os.getpid()
        with pytest.raises(ClaimedError), claim.Claim(tmp_path):
            pass
    assert claims(tmp_path) == []


def test_a_claim_on_a_full_disk_leaves_none(tmp_path, monkeypatch):
    monkeypatch.setattr(Holder, "written", lambda _: raise_it(OSError(errno.ENOSPC, "No space left")))
    with pytest.raises(OSError, match="No space left"), Run(tmp_path):
        pass
    assert claims(tmp_path) == []


def raise_it(error):
    raise error
