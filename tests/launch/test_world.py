"""What torchrun and srun say of a process."""

import socket

import pytest

from gengap.errors import UserError
from gengap.launch.connection import Connection
from gengap.launch.world import World, world_of

TORCHRUN = {
    "RANK": "3",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "gpu1",
    "MASTER_PORT": "29500",
    "TORCHELASTIC_RESTART_COUNT": "2",
    "TORCHELASTIC_USE_AGENT_STORE": "True",
}
SRUN = {
    "SLURM_PROCID": "0",
    "SLURM_NTASKS": "5",
    "SLURM_STEP_NUM_TASKS": "5",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
    "SLURM_STEP_TASKS_PER_NODE": "2(x2),1",
    "SLURM_STEP_NUM_NODES": "3",
    "SLURM_STEP_NODELIST": "gpu[07-08,12]",
    "SLURM_JOB_ID": "1000",
    "SLURM_STEP_ID": "1",
}


def test_torchrun():
    assert world_of(TORCHRUN) == World(3, 4, 1, 2, "gpu1", 29500, attempt=2)


def test_rank_0_opens_the_port_unless_torchrun_does():
    assert not world_of(TORCHRUN | {"RANK": "0"}).is_host
    assert world_of(TORCHRUN | {"RANK": "0", "TORCHELASTIC_USE_AGENT_STORE": "False"}).is_host


def test_srun_on_three_nodes():
    assert world_of(SRUN) == World(0, 5, 0, 2, "gpu07", 20_000 + 11_001, is_host=True)
    last = {"SLURM_PROCID": "4", "SLURM_NODEID": "2", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29501"}
    assert world_of(SRUN | last) == World(4, 5, 0, 1, "10.0.0.1", 29501)


@pytest.mark.parametrize(
    ("nodes", "first"), [("a", "a"), ("a,b[1-2]", "a"), ("n[1-3]", "n1"), ("n[04,7]-ib", "n04-ib")]
)
def test_first_node_of_a_list(nodes, first):
    assert world_of(SRUN | {"SLURM_STEP_NODELIST": nodes}).address == first


def test_srun_on_one_node_needs_no_name():
    assert world_of(SRUN | {"SLURM_STEP_NUM_NODES": "1"}).address == "127.0.0.1"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        TORCHRUN | {"WORLD_SIZE": "1"},
        SRUN | {"SLURM_STEP_NUM_TASKS": "1"},
        {k: v for k, v in SRUN.items() if "STEP" not in k},  # a batch script
    ],
)
def test_a_process_of_its_own_trains_alone(environment):
    assert world_of(environment) is None


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({k: v for k, v in TORCHRUN.items() if k != "MASTER_ADDR"}, "MASTER_ADDR is not set"),
        ({k: v for k, v in TORCHRUN.items() if k != "MASTER_PORT"}, "MASTER_PORT is not set"),
        (TORCHRUN | {"LOCAL_RANK": "one"}, "LOCAL_RANK=one is no number"),
        ({k: v for k, v in SRUN.items() if k != "SLURM_STEP_NODELIST"}, "SLURM_JOB_NODELIST is not set"),
    ],
)
def test_what_is_missing_is_said(environment, says):
    with pytest.raises(UserError, match=says):
        world_of(environment)


def test_a_place_to_meet_that_nobody_knows_is_said_at_once(monkeypatch):
    def unknown(*_):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UserError, match="the ranks are to meet at gpu1, .* set MASTER_ADDR"):
        Connection(world_of(TORCHRUN))
