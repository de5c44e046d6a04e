"""Where the loss surface was measured, and with which versions."""

from collections.abc import Sequence

from gengap.report.format import commit, duration, whole
from gengap.report.landscape.subjects import Record
from gengap.report.markup import Table
from gengap.runs.parts import joined, parts
from gengap.runs.provenance import hardware_name


def origin(read: Sequence[Record]) -> Table:
    """Tabulate by kind and hardware: records, losses or products evaluated, time, commits, torch versions."""
    kinds: dict[tuple[str, str], list[Record]] = {}
    for record in read:
        kinds.setdefault((record.kind, _hardware(record)), []).append(record)
    header = ("kind", "hardware", "records", "evaluations", "time per record", "commits", "torch")
    return Table(header, tuple((*key, *_row(group)) for key, group in sorted(kinds.items())), labels=2)


def _hardware(record: Record) -> str:
    return joined(hardware_name(part["hardware"]) for part in parts(record.content)) or ""


def _row(group: Sequence[Record]) -> tuple[str, ...]:
    contents = [record.content for record in group]
    of_parts = [part for content in contents for part in parts(content)]
    evaluations = sum(m.get("evaluations") or m.get("products") or 0 for r in group for m in r.measurements)
    return (
        str(len(group)),
        whole(evaluations) if evaluations else "",
        duration(sum(c["seconds"] for c in contents) / len(contents)),
        "; ".join(sorted({commit(str(part["git_commit"])) for part in of_parts if part["git_commit"]})),
        "; ".join(sorted({part["versions"]["torch"] for part in of_parts})),
    )
