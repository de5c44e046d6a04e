"""The share of a batch that each rank trains on: contiguous, and made of whole ghosts."""

from collections.abc import Sequence

from gengap.config.schema import Config, Method
from gengap.errors import UserError, counted, either

_NAMED = 8  # most numbers of ranks listed in a message


def is_regular(samples: int, method: Method) -> bool:
    """Whether a batch is not partial: there are no ghosts, or its size is one of the method's batch sizes."""
    return method.ghost_size is None or samples in (method.batch_size, *method.earlier_batches)


def chunks(samples: int, method: Method) -> list[slice]:
    """Ghosts of a partial batch: the chunks that torch.chunk makes, as in the released code."""
    assert method.ghost_size is not None
    size = -(-samples // max(1, method.batch_size // method.ghost_size))
    return [slice(start, min(start + size, samples)) for start in range(0, samples, size)]


def ghosts(samples: int, method: Method) -> Sequence[int]:
    """Positions where a batch may be cut: the first sample of each ghost, and the end of the batch."""
    if not is_regular(samples, method):
        return [*(ghost.start for ghost in chunks(samples, method)), samples]
    return range(0, samples + 1, min(method.ghost_size or 1, samples))


def share(samples: int, method: Method, rank: int, ranks: int) -> slice:
    """Samples of a batch that a rank trains on; may be empty if there are fewer ghosts than ranks."""
    if ranks == 1:
        return slice(0, samples)
    cuts = ghosts(samples, method)
    count = len(cuts) - 1
    return slice(cuts[rank * count // ranks], cuts[(rank + 1) * count // ranks])


def check_shares(config: Config, ranks: int) -> None:
    """Check that every rank gets the same number of whole ghosts of a batch (of samples if without ghosts).

    Raises:
        UserError: the number of ranks does not divide the batch; the message lists numbers that do.
    """
    method = config.method
    for samples in (method.batch_size, *method.earlier_batches):
        count = len(ghosts(samples, method)) - 1
        if count % ranks == 0:
            continue
        size = samples // count
        of = f"{counted(count, 'ghost')} of {size}" if method.ghost_size is not None else f"{count} samples"
        fitting = [n for n in range(1, count + 1) if count % n == 0]
        near = sorted(sorted(fitting, key=lambda n: abs(n - ranks))[:_NAMED])
        step = size * ranks
        sizes = [s for s in (samples // step * step, (samples // step + 1) * step) if s]
        raise UserError(
            f"{ranks} ranks can't share a batch of {of} evenly, but "
            f"{either([str(n) for n in near])} can: start so many, or set another batch size, such as "
            f"{either([str(s) for s in sizes])}"
        )
