"""The processes of a command that train together, as described to each of them by torchrun or srun."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gengap.errors import UserError

_FIRST_PORT, _PORTS = 20_000, 20_000  # range of ports for runs started by srun without a MASTER_PORT


@dataclass(frozen=True)
class World:
    """One of `size` processes, each of which is a rank.

    rank: 0 to size - 1. local, local_size: rank and size on this machine alone. address, port: where all of
    them meet. attempt: number of torchrun's attempt, since it may restart all of them. is_host: whether this
    process opens the port; under torchrun, its agent does.
    """

    rank: int
    size: int
    local: int
    local_size: int
    address: str
    port: int
    attempt: int = 0
    is_host: bool = False


def world_of(environment: Mapping[str, str]) -> World | None:
    """Read what torchrun's or srun's variables say about this process; None if it trains alone.

    torchrun sets RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT. srun, unlike a
    batch script, sets SLURM_PROCID, SLURM_STEP_NUM_TASKS and SLURM_LOCALID.

    Raises:
        UserError: a variable is missing or is not a number.
    """
    if "RANK" in environment and "WORLD_SIZE" in environment:
        return _of_torchrun(environment) if _number(environment, "WORLD_SIZE") > 1 else None
    if "SLURM_PROCID" in environment and "SLURM_STEP_NUM_TASKS" in environment:
        return _of_srun(environment) if _number(environment, "SLURM_STEP_NUM_TASKS") > 1 else None
    return None


def _of_torchrun(environment: Mapping[str, str]) -> World:
    rank, size = _number(environment, "RANK"), _number(environment, "WORLD_SIZE")
    return World(
        rank,
        size,
        _number(environment, "LOCAL_RANK"),
        _number(environment, "LOCAL_WORLD_SIZE", size),
        _text(environment, "MASTER_ADDR"),
        _number(environment, "MASTER_PORT"),
        _number(environment, "TORCHELASTIC_RESTART_COUNT", 0),
        is_host=rank == 0 and environment.get("TORCHELASTIC_USE_AGENT_STORE") != "True",
    )


def _of_srun(environment: Mapping[str, str]) -> World:
    rank, size = _number(environment, "SLURM_PROCID"), _number(environment, "SLURM_STEP_NUM_TASKS")
    job, step = _number(environment, "SLURM_JOB_ID", 0), _number(environment, "SLURM_STEP_ID", 0)
    return World(
        rank,
        size,
        _number(environment, "SLURM_LOCALID"),
        _tasks_here(environment, size),
        environment.get("MASTER_ADDR") or _first_node(environment),
        _number(environment, "MASTER_PORT", _FIRST_PORT + (31 * job + step) % _PORTS),
        is_host=rank == 0,
    )


def _tasks_here(environment: Mapping[str, str], size: int) -> int:
    """Number of tasks on this node: SLURM_STEP_TASKS_PER_NODE lists them as in 2(x3),1."""
    counts: list[int] = []
    for found in re.finditer(r"(\d+)(?:\(x(\d+)\))?", environment.get("SLURM_STEP_TASKS_PER_NODE", "")):
        counts += [int(found[1])] * int(found[2] or 1)
    node = _number(environment, "SLURM_NODEID", 0)
    return counts[node] if node < len(counts) else size


def _first_node(environment: Mapping[str, str]) -> str:
    """First name in a list such as gpu[07-09,12],login."""
    nodes = environment.get("SLURM_STEP_NODELIST") or _text(environment, "SLURM_JOB_NODELIST")
    if environment.get("SLURM_STEP_NUM_NODES", environment.get("SLURM_NNODES")) == "1":
        return "127.0.0.1"
    found = re.match(r"([^,\[]+)(?:\[(\d+)[^\]]*\]([^,]*))?", nodes)
    return "".join(part or "" for part in found.groups()) if found else nodes


def _text(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise UserError(f"{name} is not set, where the ranks are to meet: start them by torchrun, or set it")
    return value


def _number(environment: Mapping[str, str], name: str, default: int | None = None) -> int:
    value = environment.get(name, "")
    if not value and default is not None:
        return default
    if not re.fullmatch(r"\d{1,9}", value):
        shown = f"{name}={value} is no number" if value else f"{name} is not set"
        raise UserError(f"{shown}: start the ranks by torchrun or srun, which set it")
    return int(value)
