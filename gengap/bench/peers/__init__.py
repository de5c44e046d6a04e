"""Other trainers, used as in their own documentation, on the same network, batch, images and hardware."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """A trainer that takes its turns in its own environment."""

    title: str
    module: str  # in this package; its `train(config, requests, in_memory)` needs the peer's libraries
    in_memory: bool  # whether its batches are ready-made tensors, without shuffling or augmentation
    bf16_on_cpu: bool

    def precisions(self, wanted: Sequence[str], *, on_cpu: bool) -> list[str]:
        """Select the precisions it can train in."""
        return [p for p in wanted if p == "fp32" or not on_cpu or self.bf16_on_cpu]


PEERS = {
    "composer": Peer("composer", "composer_trainer", in_memory=False, bf16_on_cpu=False),
    "composer_in_memory": Peer("composer", "composer_trainer", in_memory=True, bf16_on_cpu=False),
    "lightning": Peer("Lightning", "lightning_trainer", in_memory=False, bf16_on_cpu=True),
    "lightning_in_memory": Peer("Lightning", "lightning_trainer", in_memory=True, bf16_on_cpu=True),
}
