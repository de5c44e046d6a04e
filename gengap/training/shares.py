"""The share of a batch that each of several ranks trains on: contiguous, in whole ghosts."""

from collections.abc import Sequence

from gengap.config.schema import Config, Method
from gengap.errors import UserError, counted, either

_NAMED = 8  # numbers of ranks in a message


def is_regular(samples: int, method: Method) -> bool:
    """Whether a batch of this size is one of the method's, or has no ghosts, and not a partial batch."""
    return method.ghost_size is None or samples in (method.batch_size, *method.earlier_batches)


def chunks(samples: int, method: Method) -> list[slice]:
    """The ghosts of a partial batch: as in the released code, the chunks that torch.chunk makes."""
    assert method.ghost_size is not None
    size = -(-samples // max(1, method.batch_size // method.ghost_size))
    return [slice(start, min(start + size, samples)) for start in range(0, samples, size)]


def ghosts(samples: int, method: Method) -> Sequence[int]:
    """Where a batch may be cut: before which samples a ghost starts, and its end."""
    if not is_regular(samples, method):
        return [*(ghost.start for ghost in chunks(samples, method)), samples]
    return range(0, samples + 1, min(method.ghost_size or 1, samples))


def share(samples: int, method: Method, rank: int, ranks: int) -> slice:
    """The samples of a batch that a rank trains on; none where there are fewer ghosts than ranks."""
    if ranks == 1:
        return slice(0, samples)
    cuts = ghosts(samples, method)
    count = len(cuts) - 1
    return slice(cuts[rank * count // ranks], cuts[(rank + 1) * count // ranks])


def check_shares(config: Config, ranks: int) -> None:
    """Check that every rank gets as many whole ghosts of a batch as any other; without ghosts, samples.

    Raises:
        UserError: the ranks do not divide the batch, with the numbers that do.
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
