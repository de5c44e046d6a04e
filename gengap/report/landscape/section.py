"""The section of the report about the loss surface, its figures and its files."""

from dataclasses import dataclass
from functools import cached_property

from gengap.paper import keskar
from gengap.paper import tables as paper
from gengap.report.cells import Records
from gengap.report.figures.figure import Figure
from gengap.report.landscape import (
    by_batch,
    by_statistics,
    findings,
    lines,
    order,
    potentials,
    prose,
    remedies,
    subjects,
    tables,
    walks,
    warm_figure,
    warm_starts,
)
from gengap.report.landscape.answers import answers, counts, glance, unanswered
from gengap.report.landscape.looks import distinct
from gengap.report.landscape.numbers import (
    ADAPTIVE,
    EIGENVALUE,
    SHARPNESS,
    TRACE,
    Measure,
    Numbers,
    numbers,
)
from gengap.report.landscape.origin import origin
from gengap.report.landscape.other_runs import other_runs
from gengap.report.landscape.spectra import spectra
from gengap.report.landscape.subjects import Record
from gengap.report.landscape.trained import Trained, all_trained
from gengap.report.landscape.weights import Weights
from gengap.report.markup import Table
from gengap.report.rows import Row
from gengap.report.section import Block, Plain, Section, section

HEADING = "Landscape"
ORDER = "Does sharpness order the methods?"
WARM_STARTS = "Warm starts and growing batches"


@dataclass(frozen=True)
class Landscape:
    """Everything the report says about the loss surface; empty if nothing was measured."""

    records: Records

    @cached_property
    def read(self) -> list[Record]:
        """Records that are reported."""
        return subjects.read(self.records)

    @cached_property
    def found(self) -> Numbers:
        """Measurements that are one number per network."""
        return numbers(self.read)

    @cached_property
    def trained(self) -> list[Trained]:
        """All configurations that were trained or measured."""
        return all_trained(self.records, self.read)

    @cached_property
    def remedied(self) -> dict[Row, remedies.Lines]:
        """Keskar et al.'s remedies, and the runs they are compared with."""
        return remedies.remedied(self.trained)

    @cached_property
    def started(self) -> dict[Row, list[warm_starts.Line]]:
        """Warm starts and growing batches, and the runs they are compared with."""
        return warm_starts.started(self.trained)

    @property
    def _shown(self) -> set[tuple[str, Measure]]:
        """Measures of runs that are not cells but have their own tables."""
        of_batches = by_batch.shown(self.read, self.found)
        return remedies.shown(self.remedied) | warm_starts.shown(self.started) | of_batches

    @cached_property
    def figures(self) -> list[Figure]:
        """Make the figures, in order."""
        drawn = [
            *by_batch.figures(self.read, self.found),
            *warm_figure.figures(self.started),
            *lines.figures(self.records, self.read),
            *potentials.figures(self.read),
            *walks.figures(self.read),
        ]
        names = distinct(f"landscape-{figure.name}" for figure in drawn)
        return [figure.renamed(name) for figure, name in zip(drawn, names, strict=True)]

    @cached_property
    def evaluated(self) -> by_statistics.Found:
        """Evaluations with running and with exact statistics of batch norm."""
        return by_statistics.evaluated(self.read)

    @property
    def data(self) -> dict[str, Table]:
        """Tables of numbers by file stem, except those of the figures."""
        found = {
            "landscape": tables.data(self.found),
            "landscape-ratios": findings.data(self.compared),
            "landscape-statistics": by_statistics.data(self.evaluated),
        }
        return {stem: table for stem, table in found.items() if table.rows}

    def section(self, figures: list[Section]) -> Section | None:
        """Build the whole section, with the sections of its figures; None without records."""
        if not self.records.landscape:
            return None
        found = self.found
        published = keskar.workloads() if self.records.are_published else ()
        of_another_training = Weights(self.records).of_another_training()
        blocks = (
            self._findings(),
            section("Sharpness", prose.SHARPNESS, tables.cells(found, SHARPNESS, published=published)),
            section("Loss and accuracy of the measured runs", tables.accuracies(found)),
            section("Running or exact statistics", prose.STATISTICS, by_statistics.table(self.evaluated)),
            section("Adaptive sharpness", prose.ADAPTIVE, tables.cells(found, ADAPTIVE)),
            section("Curvature", prose.CURVATURE, tables.cells(found, EIGENVALUE, TRACE)),
            section("Eigenvalues", spectra(self.read)),
            *figures,
            section("Other runs", prose.OTHER_RUNS, other_runs(found, self._shown)),
            section("Weights of another training", prose.OTHER_TRAINING, of_another_training),
            section("Measurements left out", prose.LEFT_OUT, subjects.left_out(self.records)),
            section("How it was measured", prose.ORIGIN, origin(self.read)),
        )
        return Section(HEADING, (prose.ABOUT, *(block for block in blocks if block)))

    @property
    def experiments(self) -> tuple[Section, ...]:
        """Build the sections on attempts to close the large batch's gap, even without measurements."""
        of_remedies = section("Sharpness with remedies", remedies.sharpness(self.remedied))
        found = (
            section("Remedies", prose.REMEDIES, remedies.accuracies(self.remedied), of_remedies),
            section(WARM_STARTS, prose.WARM_STARTS, warm_starts.table(self.started)),
        )
        return tuple(part for part in found if part)

    @cached_property
    def compared(self) -> list[findings.Compared]:
        """Comparisons of every pair of methods by every measure."""
        return findings.compared(self.found)

    @cached_property
    def orders(self) -> list[order.Order]:
        """How sharpness ranks the methods of each row, by every measure."""
        return order.orders(self.found)

    @property
    def glance(self) -> tuple[str, ...]:
        """One sentence per workload."""
        return glance(self.compared)

    def _findings(self) -> Section | None:
        """Build the section that answers the questions by stated rules."""
        compared, orders = self.compared, self.orders
        told = answers(compared, orders) + unanswered(self.found, compared)
        if not told:
            return None
        blocks: tuple[Section | None, ...] = (
            section("How often", counts(compared)),
            section("Every ratio", findings.ratios(compared)),
            section(ORDER, prose.ORDER, order.order_table(orders)),
        )
        here: tuple[Block, ...] = (
            prose.FINDINGS,
            *([prose.DEMO] if any(c.row.name in paper.DEMOS for c in compared) else []),
            Plain(told, is_list=True),
            *(block for block in blocks if block),
        )
        return Section("Are large-batch minima sharper?", here)
