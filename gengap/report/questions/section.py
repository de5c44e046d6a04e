"""The sections on the reader's questions, read once per report."""

from collections.abc import Iterable, Sequence
from functools import cached_property

from gengap.report.cells import Records
from gengap.report.figures.figure import Figure
from gengap.report.markup import Table
from gengap.report.questions import parts_table, prose, rates_figure, rates_table, steps
from gengap.report.questions.parts import FIRST_UPDATES, Line, answered, not_run
from gengap.report.questions.rates import Tuned
from gengap.report.questions.tuned import beside, tuned
from gengap.report.section import Block, Details, Picture, Plain, Section, section

RATES, PARTS = "Learning rates, tuned on held-out training images", "What each part does"
# Sweeps that the project's own report lists as not run yet, by workload
SWEEPS = {
    "mnist_f1": "mnist_rates",
    "keskar_f1": "keskar_tuning_f1",
    "keskar_c1": "keskar_tuning_c1 precision=bf16",
}


class Questions:
    """The runs that answer a reader's questions, apart from the tables."""

    def __init__(self, records: Records) -> None:
        self.records = records

    @cached_property
    def tuned(self) -> list[Tuned]:
        """Learning rates on held-out images, by workload and settings."""
        return tuned(self.records)

    @cached_property
    def beside(self) -> list[Tuned]:
        """The same methods at a single rate, with other settings."""
        return beside(self.records, self.tuned)

    @cached_property
    def answered(self) -> dict[str, list[Line]]:
        """Cells with other settings, by question."""
        return answered(self.records)

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """Figure of accuracy by learning rate, if there is any."""
        return (rates_figure.figure(self.tuned, self.beside),) if self.tuned else ()

    @property
    def data(self) -> dict[str, Table]:
        """Tables of numbers that don't belong to a figure, by file stem."""
        return {"parts": parts_table.data(self.answered)} if self.answered else {}

    @cached_property
    def runs(self) -> frozenset[str]:
        """Names of the runs shown here."""
        points = (p for t in (*self.tuned, *self.beside) for c in t.curves.values() for p in c.points)
        lines = (line for found in self.answered.values() for line in found)
        return frozenset({p.group.run for p in points} | {line.group.run for line in lines})

    @property
    def sweeps_left(self) -> list[str]:
        """Sweeps without any finished run; only in the project's own report."""
        parts = (sweep for sweeps in not_run(self.answered).values() for sweep in sweeps)
        return [*dict.fromkeys([*self._rates_left, *parts])] if self.records.are_published else []

    @property
    def _rates_left(self) -> list[str]:
        there = {t.row.name for t in self.tuned}
        return [sweep for name, sweep in SWEEPS.items() if name not in there]

    @property
    def sections(self) -> tuple[Section, ...]:
        """Build the sections on learning rates and parts; in a user's own folder, only what was run."""
        return tuple(part for part in (self._rates(), self._parts()) if part)

    def _rates(self) -> Section | None:
        missing = self._not_run(self._commands(self._rates_left))
        if not self.tuned:
            return section(RATES, *missing)
        (shown,) = self.figures
        blocks: tuple[Block, ...] = (
            prose.RATES,
            Plain(rates_table.answers(self.tuned), is_list=True),
            Picture(shown.name, shown.heading),
            shown.caption,
            rates_table.table([*self.tuned, *self.beside]),
            Details("How to read the table", prose.RATES_READ),
        )
        return section(RATES, *blocks, *missing)

    def _parts(self) -> Section | None:
        left = not_run(self.answered)
        found = [self._question(q, left.get(q, [])) for q in prose.QUESTIONS if q in self.answered]
        others = ((prose.QUESTIONS[q][0], self._commands(left[q])) for q in left if q not in self.answered)
        missing = self._not_run([f"{heading} {'; '.join(commands)}" for heading, commands in others])
        return section(PARTS, prose.PARTS if found else None, *found, *missing)

    def _question(self, question: str, left: Iterable[str]) -> Section:
        heading, about = prose.QUESTIONS[question]
        lines = self.answered[question]
        blocks: list[Block] = [about, parts_table.table(question, lines)]
        if question == FIRST_UPDATES and (between := steps.table(self.records, lines)).rows:
            blocks.append(Section(prose.STEPS_WITH, (prose.STEPS, between)))
        return Section(heading, (*blocks, *self._not_run(self._commands(left))))

    def _commands(self, sweeps: Iterable[str]) -> list[str]:
        return [self.records.command(f"+sweep={sweep}") for sweep in sweeps]

    def _not_run(self, told: Sequence[str]) -> tuple[Plain, ...]:
        """List what was not run on one line, to keep commands whole; only in the project's own report."""
        if not told or not self.records.are_published:
            return ()
        return (Plain((f"Not run yet: {'; '.join(told)}.",), is_list=True),)
