"""Warn if bf16 trains slower than fp32, as on CPUs that have to emulate it."""

from collections.abc import Callable

from gengap.launch.trial import measured_rate, trial_samples
from gengap.runs.provenance import lacks_bf16
from gengap.runs.speed import shown_rate
from gengap.training.trainer import Trainer

SLOWER = 1.25  # fp32 / bf16 speed ratio from which to warn; with bf16 hardware it is at most 0.8
FEW_SAMPLES = 8  # batch size for finding out how many samples are affordable
AFFORDED_SECONDS = 0.1  # for an update in fp32; emulated bf16 takes up to 20 times as long


def precision_advice(
    trainer: Trainer, rates: Callable[[Trainer], tuple[float, float]] | None = None
) -> str | None:
    """Return a line with both speeds if the run uses bf16 but fp32 trains faster here, otherwise None.

    Speed is measured, whatever features the processor reports: virtual machines and libraries may disable
    them.

    Args:
        trainer: trainer on a CPU, before its first update; it is not changed.
        rates: measures images per second in fp32 and in bf16; by default `both_rates`.
    """
    if not trainer.bf16:
        return None
    fp32, bf16 = (rates or both_rates)(trainer)
    if fp32 < SLOWER * bf16:
        return None
    reason = " (this processor has no bf16 arithmetic)" if lacks_bf16() else ""
    return (
        f"precision=bf16 trains about {shown_rate(bf16)} images/s here, and fp32 {shown_rate(fp32)}{reason}: "
        "to train in fp32, stop this run and type precision=fp32 instead"
    )


def both_rates(trainer: Trainer) -> tuple[float, float]:
    """Measure images per second in fp32 and bf16, on as many samples as take AFFORDED_SECONDS in fp32."""
    samples = _afforded_samples(trainer)
    return measured_rate(trainer, False, samples), measured_rate(trainer, True, samples)


def _afforded_samples(trainer: Trainer) -> int:
    """Number of samples from `trial_samples`, or part of a ghost if that would take too long."""
    method = trainer.config.method
    most = trial_samples(method, trainer.micro_batch)
    ghost = min(method.ghost_size or most, most)
    few = min(FEW_SAMPLES, ghost)
    afforded = int(AFFORDED_SECONDS * measured_rate(trainer, False, few))
    return most if afforded >= most else max(few, min(afforded, ghost))
