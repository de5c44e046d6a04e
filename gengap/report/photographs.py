"""Speed of decoding photographs, as measured by `gengap bench`."""

from collections.abc import Sequence
from typing import Any

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS
from gengap.report.markup import Table
from gengap.report.section import Section

PHOTOGRAPHS = "photographs"  # key in a machine's file
ABOUT = """\
Photographs per second of gengap and of torchvision's ImageFolder in a DataLoader (Resize, RandomCrop,
RandomHorizontalFlip, ToTensor, Normalize). They decode the same files to the same crops in turns, each with
one worker per core, and deliver normalized batches; the target is a ratio of at least 1.5. "updates alone"
are gengap's on random images of that size, which need no decoding. The limit is whatever takes longer; on a
CPU both share the cores, and training takes the sum of the two.
"""


def photographs_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Tabulate one row per workload, method and precision."""
    header = (
        "workload", "method", "precision", "files", "kB per file", "resize / crop", "ratio", "photographs/s",
        "per core", "ImageFolder/s", "per core of ImageFolder", "updates alone, images/s", "limit",
    )  # fmt: skip
    return Table(header, tuple(map(_row, rows)), labels=3)


def _row(r: dict[str, Any]) -> tuple[str, ...]:
    ours, typical, update = (r[f"{name}_seconds"] for name in ("gengap", "image_folder", "update"))
    return (
        _measured(r),
        LABELS.get(r["method"], r["method"]),
        r["precision"],
        f"{r['files']:,}",
        f"{r['file_bytes'] / 1000:.0f}",
        f"{r['resize']} / {r['crop']}",
        f"{r['ratio']:.2f}x",
        f"{1 / ours:,.0f}",
        f"{1 / ours / r['cores']:,.0f}",
        f"{1 / typical:,.0f}",
        f"{1 / typical / r['cores']:,.0f}",
        f"{1 / update:,.0f}",
        "decoding" if ours > update else "device",
    )


def _measured(r: dict[str, Any]) -> str:
    """Name the workload and the folder of the decoded photographs, which older measurements don't state."""
    folder = f" ({r['folder']})" if "folder" in r else ""
    return paper.network_and_data(r["workload"]) + folder


def decoding(document: dict[str, Any]) -> tuple[Section, ...]:
    """Build the section on a machine's measurements of photographs, if it has any."""
    rows = document.get(PHOTOGRAPHS)
    return (Section("Photographs", (ABOUT, photographs_table(rows))),) if rows else ()
