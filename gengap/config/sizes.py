"""Sizes of a method, in messages: with the key of the workload that they come from."""

from gengap.config.schema import Config


def named_batch(config: Config) -> str:
    """Format as `method.batch_size=512 (workload.large_batch)`, with the key that has the same value."""
    size, workload = config.method.batch_size, config.workload
    sources = {workload.large_batch: "large_batch", workload.small_batch: "small_batch"}
    return _named("batch_size", size, sources.get(size))


def named_ghost(config: Config) -> str:
    """Format as `method.ghost_size=128 (workload.ghost_size)`."""
    size = config.method.ghost_size
    return _named("ghost_size", size, "ghost_size" if size == config.workload.ghost_size else None)


def _named(key: str, size: int | None, source: str | None) -> str:
    return f"method.{key}={size}" + (f" (workload.{source})" if source else "")
