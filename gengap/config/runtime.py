"""The part of the schema that says how a run is executed."""

from dataclasses import dataclass

from gengap.config.fields import SAMPLES, TIME, key
from gengap.config.ranges import Range


@dataclass
class Runtime:
    """How a run is executed; not part of its identity."""

    device: str = key("auto | cpu | cuda", "auto")
    threads: int | None = key(
        "CPU threads; null for all cores, or as many as a resumed run started with",
        None,
        within=Range(1, 1024),
    )
    workers: int | None = key(
        "processes that decode image files; null for one per core, 0 for the main process",
        None,
        within=Range(0, 512),
    )
    micro_batch: int | None = key(
        "samples per forward and backward pass, whole ghosts; null for automatic", None, within=SAMPLES
    )
    compile: bool | None = key(
        "torch.compile the forward and backward pass; null for only where it pays off", None
    )
    graph: bool | None = key("launch each update as one CUDA graph; null for whenever on a GPU", None)
    deterministic: bool = key("deterministic algorithms only, for bit-equal resume on a GPU", False)
    reduce: str = key("fp32 | bf16: what several ranks sum their gradients in", "fp32")
    rank_timeout: float = key(
        "seconds after which a rank that does not answer ends the command, saved",
        300.0,
        within=Range(1, 10**6),
    )
    keep_weights: bool = key("save weights.pt beside the record", False)
    tensorboard: bool = key("mirror metrics.jsonl to TensorBoard, in the run's folder", False)
    checkpoint_seconds: float = key("seconds between checkpoints", 60.0, within=TIME)
    time_budget: float | None = key(
        "save and stop this many minutes after the command started",
        None,
        within=Range(0, 10**9, low_open=True),
    )
