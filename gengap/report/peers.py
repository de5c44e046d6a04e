"""gengap next to other trainers, as measured by `gengap bench peers=PYTHON`."""

from collections.abc import Sequence
from typing import Any

from gengap.paper import tables as paper
from gengap.report.markup import Table
from gengap.report.section import Section

PEERS = "peers"  # key in a machine's file
TITLES = {  # by name of the trainer: its title, and where its batches come from
    "typical": ("typical loop", "DataLoader"),
    "composer": ("composer", "DataLoader"),
    "composer_in_memory": ("composer", "in memory"),
    "lightning": ("Lightning", "DataLoader"),
    "lightning_in_memory": ("Lightning", "in memory"),
}
ABOUT = """\
Trainers of other projects on the same network, batch, ghosts, clipping, random images and machine, in turns
with gengap; each in a process that stands still while another is measured. "gengap is" is how many times as
fast gengap is in the same precision, the median over adjacent turns and its quartiles. "DataLoader":
torchvision's transforms on PIL images, as in their tutorials. "in memory": tensors that are normalized and on
the device before the first turn, neither shuffled nor augmented, so that nearly all of the time is the
trainer's own; gengap shuffles and augments in both.

- composer: its Trainer with GhostBatchNorm and GradientClipping. It normalizes the same ghosts, but updates
  the running statistics by momentum / number of ghosts, so that evaluation differs. It does not train in bf16
  on a CPU, and needs the older torch that the table shows. A batch whose activations would take more than
  2.5 GiB (on a GPU, half of its memory) is halved into micro-batches until they don't, as Resnet44's.
- Lightning: its Trainer. It has no ghost batch norm; each batch of the loader is a ghost, and
  accumulate_grad_batches makes one update of them: the update of gengap, running statistics included.
- The typical loop is the one of the table above, in gengap's torch: it shows what a trainer adds.
"""


def peers_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Tabulate one row per workload, method, precision and trainer."""
    header = (
        "workload", "batch / ghost", "precision", "trainer", "batches", "versions", "gengap is", "quartiles",
        "images/s", "gengap images/s", "MiB", "gengap MiB", "turns",
    )  # fmt: skip
    return Table(header, tuple(map(_row, rows)), labels=6)


def _row(r: dict[str, Any]) -> tuple[str, ...]:
    batch = r["batch_size"]
    title, batches = TITLES.get(r["trainer"], (r["trainer"], ""))
    names = [name for name in ("mosaicml", "lightning", "torch") if name in r["versions"]]
    return (
        paper.title(r["workload"]),
        f"{batch:,} / {r['ghost_size'] or '–'}",
        r["precision"],
        title,
        batches,
        ", ".join(f"{name} {r['versions'][name]}" for name in names),
        f"{r['ratio']:.2f}x",
        f"{r['ratio_low']:.2f}–{r['ratio_high']:.2f}",
        f"{batch / r['seconds']:,.0f}",
        f"{batch / r['gengap_seconds']:,.0f}",
        f"{r['memory']:,}",
        f"{r['gengap_memory']:,}",
        str(r["turns"]),
    )


def peers(document: dict[str, Any]) -> tuple[Section, ...]:
    """Build the section on a machine's measurements of other trainers, if it has any."""
    rows = document.get(PEERS)
    return (Section("Beside other trainers", (ABOUT, peers_table(rows))),) if rows else ()
