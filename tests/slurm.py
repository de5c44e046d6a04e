"""A Slurm of this test run's own: one machine, a temporary configuration, its own ports and munge key."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
NODES = ("one", "two")
DEADLINE = 60.0  # seconds, after which a test says what it waited for

# cred_expire: a requeued job starts after 6 s and not 2 minutes; Slurm takes no less than 5
CONFIGURATION = """\
ClusterName=gengap
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmctldPort={port}
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
KillWait=30
MpiDefault=none
"""


def missing() -> str:
    """Why no Slurm can be started here; empty if it can."""
    lacking = [name for name in (*DAEMONS, "srun") if not _found(name)]
    if lacking:
        return f"not installed: {', '.join(lacking)}"
    return "" if os.geteuid() == 0 else "slurmctld and slurmd need root"


def _found(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


class Cluster:
    """A running Slurm of two nodes, both this machine.

    Attributes:
        environment: for the commands of Slurm, such as sbatch.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}

    def run(self, *command: str, cwd: Path | None = None, check: bool = True, **environment: str) -> str:
        """What a command prints."""
        done = subprocess.run(
            command, cwd=cwd, env=self.environment | environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def jobs(self, *states: str) -> list[str]:
        """The jobs in the queue, of an array each task, in these states or in any."""
        asked = [f"--states={','.join(states)}"] if states else []
        return self.run("squeue", "--noheader", "--array", "--format=%i", *asked).split()

    def log(self) -> str:
        """What Slurm's daemons say, for the message of a test that fails."""
        return "\n".join(f"{file.name}\n{file.read_text()[-3000:]}" for file in self.folder.glob("*.log"))

    def wait(self, until: Callable[[], object], what: str, seconds: float = DEADLINE) -> None:
        """Wait until something holds; an error where it does not before the deadline."""
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, f"waited for: {what}\n{self.log()}"
            time.sleep(0.05)


@contextmanager
def started(folder: Path) -> Iterator[Cluster]:
    """Start the daemons in a folder, which is short, for it holds a socket; stop them afterwards."""
    host = socket.gethostname().partition(".")[0]
    ports = _free_ports(1 + len(NODES))
    nodes = [
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2\n"
        for node, port in zip(NODES, ports[1:], strict=True)
    ]
    partition = f"PartitionName=all Nodes={','.join(NODES)} Default=YES MaxTime=INFINITE State=UP\n"
    text = CONFIGURATION.format(host=host, folder=folder, port=ports[0]) + "".join(nodes) + partition
    (folder / "slurm.conf").write_text(text)
    (folder / "state").mkdir()
    (folder / "munge.key").write_bytes(os.urandom(1024))
    for file in (folder, folder / "munge.key"):
        file.chmod(0o700 if file.is_dir() else 0o600)
    places = {
        "socket": "socket",
        "key-file": "key",
        "pid-file": "pid",
        "log-file": "log",
        "seed-file": "seed",
    }
    munge = [f"--{option}={folder}/munge.{ending}" for option, ending in places.items()]
    cluster = Cluster(folder)
    with ExitStack() as daemons:
        for command in (
            ["munged", "--foreground", "--force", "--num-threads=2", *munge],
            ["slurmctld", "-D", "-c"],
            *(["slurmd", "-D", "-N", node] for node in NODES),
        ):
            daemons.enter_context(_daemon(cluster, command))
            if command[0] == "munged":
                cluster.wait((folder / "munge.socket").exists, "munged")
        cluster.wait(lambda: _idle(cluster), "idle nodes")
        yield cluster
        cluster.run("scancel", "--user=root", check=False)
        with suppress(AssertionError):
            cluster.wait(lambda: not cluster.jobs(), "an empty queue", 15)


def _idle(cluster: Cluster) -> bool:
    return cluster.run("sinfo", "--noheader", "--Node", "--format=%t", check=False).split() == ["idle"] * 2


@contextmanager
def _daemon(cluster: Cluster, command: list[str]) -> Iterator[None]:
    path = _found(command[0])
    assert path
    with (cluster.folder / f"{command[0]}-{command[-1]}.out".replace("/", "_")).open("w") as out:
        process = subprocess.Popen([path, *command[1:]], env=cluster.environment, stdout=out, stderr=out)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
