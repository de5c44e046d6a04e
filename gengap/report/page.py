"""Write every file in `<results_dir>/report`."""

from collections.abc import Iterable
from pathlib import Path

from gengap.faults import check_is_file
from gengap.report import comparison_tables, contents, latex, tables
from gengap.report.cells import Records, parts
from gengap.report.comparisons import compare_methods
from gengap.report.figures import Figure, figures
from gengap.report.figures.canvas import PICTURES, save
from gengap.report.findings.page import FILE, findings
from gengap.report.html import PAGE, html, with_pictures
from gengap.report.landscape.section import Landscape
from gengap.report.markup import csv_text
from gengap.report.picture import pictures
from gengap.report.questions.section import Questions
from gengap.report.rows import PAPER_TABLES, Part
from gengap.report.section import markdown_section
from gengap.runs.folders import folder_for_now


def write_report(records: Records, folder: Path) -> None:
    """Write all files, replacing an earlier report, which stays intact until all are written.

    Raises:
        NotAFileError: something that is not a regular file has the name of one of the files.
        OSError: a file can't be written; the error names the folder.
    """
    shown, landscape, questions = figures(records), Landscape(records), Questions(records)
    texts = _texts(records, shown, landscape, questions)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with folder_for_now(folder, ".new-") as new:
            _write((*shown, *questions.figures, *landscape.figures), texts, new)
            old = [path for path in folder.iterdir() if path.suffix in PICTURES]
            for path in (*old, *(folder / file.name for file in new.iterdir())):
                check_is_file(path)
            for path in old:
                path.unlink()
            for file in new.iterdir():
                file.replace(folder / file.name)
    except OSError as error:
        error.filename = str(folder)
        raise


def _write(drawings: Iterable[Figure], texts: dict[str, str], folder: Path) -> None:
    for figure in drawings:
        save(figure, folder)
    drawn = pictures({file.stem: file.read_text(encoding="utf-8") for file in folder.glob("*.svg")})
    for name, text in texts.items():
        (folder / name).write_text(with_pictures(text, drawn) if name == PAGE else text, encoding="utf-8")


def texts(records: Records) -> dict[str, str]:
    """Generate every text file, by name: tables, data of figures, and the page without its pictures."""
    return _texts(records, figures(records), Landscape(records), Questions(records))


def _texts(
    records: Records, shown: list[Figure], landscape: Landscape, questions: Questions
) -> dict[str, str]:
    compared = compare_methods(records)
    whole = contents.report(records, compared, shown, landscape, questions)
    tested = findings(records, compared, shown, landscape, questions)
    drawn = (*shown, *questions.figures, *landscape.figures)
    data = (*(f.data for f in drawn), landscape.data, questions.data)
    return {f"{stem}.csv": csv_text(table) for tables in data for stem, table in tables.items()} | {
        "README.md": markdown_section(whole),
        PAGE: html(whole),
        **{name: text for part in parts(records) for name, text in _table_files(records, part).items()},
        **({FILE: markdown_section(tested)} if tested else {}),
        "comparisons.md": markdown_section(contents.comparisons(compared)),
        "comparisons.csv": csv_text(comparison_tables.data(compared)),
    }


def _table_files(records: Records, part: Part) -> dict[str, str]:
    return {
        f"{part}.md": markdown_section(contents.table(records, part)),
        f"{part}.csv": csv_text(tables.data(records, part)),
    } | ({f"{part}.tex": latex.table(records, part)} if part in PAPER_TABLES else {})
