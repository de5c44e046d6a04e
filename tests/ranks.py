"""Processes that train together over gloo, and run one function after another."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from typing import Any

import torch
import torch.distributed as dist

from gengap.training.ranks import ALONE, Ranks

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.trainers", "torch.distributed"])  # one import for all processes

Task = Callable[[Ranks], Any]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def pool(size: int) -> Iterator[Callable[[Sequence[tuple[int, Task]]], list[list[Any]]]]:
    """A function that runs tasks on 1, 2, ... `size` ranks each; by task, the results in order of ranks."""
    port, answers = free_port(), _CONTEXT.SimpleQueue()
    questions = [_CONTEXT.SimpleQueue() for _ in range(size)]
    processes = [
        _CONTEXT.Process(target=_serve, args=(rank, size, port, questions[rank], answers), daemon=True)
        for rank in range(size)
    ]
    for process in processes:
        process.start()

    def run(tasks: Sequence[tuple[int, Task]]) -> list[list[Any]]:
        for question in questions:
            question.put(list(tasks))
        found = dict(answers.get() for _ in range(size))
        for rank in range(size):
            if isinstance(found[rank], Exception):
                raise found[rank]
        return [[found[rank][k] for rank in range(ranks)] for k, (ranks, _) in enumerate(tasks)]

    try:
        yield run
    finally:
        for question in questions:
            question.put(None)
        for process in processes:
            process.join(20)
            process.kill()  # one that waits for another that has ended


def _serve(rank: int, size: int, port: int, questions: Any, answers: Any) -> None:
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    dist.init_process_group(
        "gloo", init_method=address, rank=rank, world_size=size, timeout=timedelta(seconds=60)
    )
    groups = {n: dist.new_group(list(range(n))) for n in range(2, size + 1)}
    while (tasks := questions.get()) is not None:
        found: list[Any] = []
        try:
            for ranks, task in tasks:
                mine = ALONE if ranks == 1 else Ranks(rank, ranks, rank, ranks, groups[ranks], groups[ranks])
                found.append(task(mine) if rank < ranks else None)
        except Exception as error:
            answers.put((rank, RuntimeError(f"rank {rank}: {type(error).__name__}: {error}")))
            return
        answers.put((rank, found))
    dist.destroy_process_group()


def each(function: Callable[..., Any], *arguments: Any) -> Task:
    """A task that calls function(*arguments, ranks)."""
    return partial(function, *arguments)
