"""Where and with what the loss surface was measured."""

from collections.abc import Sequence

from gengap.report.format import commit, duration, whole
from gengap.report.landscape.subjects import Record
from gengap.report.markup import Table
from gengap.runs.provenance import hardware_name


def origin(read: Sequence[Record]) -> Table:
    """By kind and hardware: records, losses or products evaluated, time, commits and torch versions."""
    kinds: dict[tuple[str, str], list[Record]] = {}
    for record in read:
        kinds.setdefault((record.kind, hardware_name(record.content["hardware"])), []).append(record)
    header = ("kind", "hardware", "records", "evaluations", "time per record", "commits", "torch")
    return Table(header, tuple((*key, *_row(group)) for key, group in sorted(kinds.items())), labels=2)


def _row(group: Sequence[Record]) -> tuple[str, ...]:
    contents = [record.content for record in group]
    evaluations = sum(m.get("evaluations") or m.get("products") or 0 for r in group for m in r.measurements)
    return (
        str(len(group)),
        whole(evaluations) if evaluations else "",
        duration(sum(c["seconds"] for c in contents) / len(contents)),
        "; ".join(sorted({commit(str(c["git_commit"])) for c in contents if c["git_commit"]})),
        "; ".join(sorted({c["versions"]["torch"] for c in contents})),
    )
