"""Measure several ranks on this machine: images per second, and the share of an update spent on exchanges."""

import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from math import ceil
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import torch
import torch.distributed as dist

from gengap.bench.cases import Case
from gengap.bench.progress import show
from gengap.bench.random_images import random_images, source_of
from gengap.config.schema import Config
from gengap.cores import usable_cores
from gengap.data.splits import split
from gengap.errors import UserError, counted
from gengap.regime import build_regime
from gengap.training.build import build_trainer
from gengap.training.device import DEFAULT_THREADS, prepare_device
from gengap.training.ranks import Ranks
from gengap.training.shares import check_shares
from gengap.training.trainer import Trainer

TURN_SECONDS = 2.0
LINGERING = 5.0  # seconds a rank has to exit after rank 0
TIMEOUT = timedelta(minutes=10)
HEAD = ("case", "precision", "ranks", "threads each", "images/s", "times one", "in exchanges")
_started: list[SpawnProcess] = []


def measure_ranks(
    chosen: Sequence[Case], sizes: Sequence[int], rounds: int, finished: Callable[[str], None]
) -> int:
    """Measure the cases on each number of ranks, and print a table.

    Args:
        chosen: cases to measure.
        sizes: numbers of ranks.
        rounds: number of turns for each.
        finished: called with the name of each case that has been printed.

    Raises:
        UserError: the ranks can't share a batch evenly, or one of them died; or images come from files.
    """
    if any(case.files is not None for case in chosen):
        raise UserError("ranks= measures workloads whose images are held in memory: choose another workload")
    configs = [(case, precision, case.config(precision)) for case in chosen for precision in case.precisions]
    for _, _, config in configs:
        for size in sizes:
            check_shares(config, size)
    print(f"| {' | '.join(HEAD)} |\n| --- | --- |{' ---: |' * (len(HEAD) - 2)}", flush=True)
    for case, precision, config in configs:
        one = 0.0
        for size in sizes:
            show(f"gengap bench: {case} in {precision} on {counted(size, 'rank')}")
            threads, seconds, exchanging = _measure(config, size, rounds)
            show("")
            rate = config.method.batch_size / seconds
            one = one or rate
            share = f"{exchanging / seconds:.1%}" if size > 1 else ""
            cells = [case, precision, size, threads, f"{rate:,.0f}", f"{rate / one:.2f}", share]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)
            finished(f"{case} in {precision} on {counted(size, 'rank')}")
    return 0


def _measure(config: Config, size: int, rounds: int) -> tuple[int, float, float]:
    """Measure the fastest round: threads per rank, and seconds per update in total and in exchanges."""
    context = get_context("spawn")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    answers, answer = context.Pipe(duplex=False)
    processes = _started[:] = [
        context.Process(target=_serve, args=(config, rank, size, port, rounds, answer), daemon=True)
        for rank in range(size)
    ]
    with _without_ctrl_c():
        for process in processes:
            process.start()
    answer.close()  # so that the other end's closing is noticed
    processes[0].join()
    try:
        threads, seconds, exchanging = answers.recv()
    except EOFError:
        raise UserError("a measured process ended; its error message is above") from None
    finally:  # how the other ranks exit no longer matters
        for process in processes[1:]:
            process.join(LINGERING)
            process.kill()
    return threads, seconds, exchanging


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Start processes that ignore Ctrl-C, which reaches them too and would interrupt their imports."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def end_ranks() -> None:
    """Kill the processes of a measurement."""
    for process in _started:
        if process.is_alive():
            process.kill()


def _serve(config: Config, rank: int, size: int, port: int, rounds: int, answer: Connection) -> None:
    ranks = Ranks()
    if size > 1:
        address = f"tcp://127.0.0.1:{port}"
        dist.init_process_group("gloo", init_method=address, rank=rank, world_size=size, timeout=TIMEOUT)
        group = dist.group.WORLD
        ranks = Ranks(rank, size, rank, size, group, group)
    threads = max(1, min(DEFAULT_THREADS, usable_cores() // size))
    device = prepare_device(config.runtime, threads, rank if size > 1 else None)
    ranks.use(device)
    source = source_of(*random_images(config.data.name))
    splits = split(source, config.data, config.seed)
    regime = build_regime(config, len(splits.train))
    trainer = build_trainer(config, source, splits, regime, device, ranks)
    if device.type == "cuda":
        ranks.synchronize = torch.cuda.synchronize
    updates = count()
    _turn(trainer, updates, ranks, 1)
    number = ranks.largest(max(1, ceil(TURN_SECONDS / _turn(trainer, updates, ranks, 1)[0])))
    found = min(_turn(trainer, updates, ranks, number) for _ in range(rounds))
    if rank == 0:
        answer.send((threads, *found))
    if size > 1:
        dist.barrier()
        dist.destroy_process_group()


def _turn(trainer: Trainer, updates: Iterator[int], ranks: Ranks, number: int) -> tuple[float, float]:
    ranks.seconds, began = 0.0, time.perf_counter()
    for _ in range(number):
        trainer.train_step(next(updates) % trainer.regime.updates)
        ranks.largest(0)  # stands for agreeing on whether to stop, as in training
    trainer.wait()
    return (time.perf_counter() - began) / number, ranks.seconds / number
