"""What a configuration means and its user may not have meant: told in a line, and trained all the same."""

from gengap.config.schema import Config
from gengap.config.shipped import recipes


def unreached_milestones(config: Config) -> str:
    """A line on milestones that training ends before, with the learning rates that are not used.

    Empty if there are none, or if milestones and epochs are those of a workload in conf/: where such a recipe
    ends before its last milestone, it does in the released code.
    """
    workload = config.workload
    late = [milestone for milestone in workload.milestones if milestone >= workload.epochs]
    if not late or (workload.epochs, tuple(workload.milestones)) in recipes():
        return ""
    rates = [f"{rate:g}" for rate in workload.lr[-len(late) :]]
    listed = ",".join(f"{milestone:g}" for milestone in late)
    unused = f"rate {rates[0]} is" if len(rates) == 1 else f"rates {', '.join(rates)} are"
    return (
        f"workload.milestones=[{listed}]: training ends after {workload.epochs:g} epochs, "
        f"so the learning {unused} never used"
    )
