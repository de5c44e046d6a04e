"""What the documents list is complete, what they link to is there, and their tables are the report's."""

import re
import runpy
from dataclasses import fields

import pytest

from gengap.landscape.settings import KINDS, SurfaceSettings
from gengap.landscape.typed import explained
from tests.docs.documents import DOCUMENTS, ROOT, prose, section

LINKING = DOCUMENTS | {"CONTRIBUTING.md": (ROOT / "CONTRIBUTING.md").read_text()}


def test_tables_are_filled_as_generated():
    script = runpy.run_path(str(ROOT / "scripts" / "readme"))
    assert {str(file.relative_to(ROOT)) for file in script["DOCUMENTS"]} == set(DOCUMENTS)
    assert sum(len(script["SLOT"].findall(text)) for text in DOCUMENTS.values()) >= 6
    for name, text in DOCUMENTS.items():
        assert script["filled"](text) == text, f"{name}: type scripts/readme"


def test_the_wall_time_of_a_row_is_that_of_its_methods_and_seeds(tmp_path):
    script = runpy.run_path(str(ROOT / "scripts" / "readme"))
    (tmp_path / "table1.csv").write_text(
        "kind,workload,method,precision,protocol,wall_seconds_by_make,hardware\n"
        'cell,mnist_f1,sb,fp32,paper,AMD 60.0,"AMD, 1 thread"\n'
        'cell,mnist_f1,lb,fp32,paper,AMD 3600.5,"AMD, 2 threads; AMD, 1 thread"\n'
        "cell,mnist_f1,sb,bf16,paper,AMD 0.4,AMD\n"
        "cell,mnist_f1,lb,bf16,paper,,\n"
        "variant,mnist_f1,sb,fp32,paper,AMD 7.0,AMD\n"
        "cell,cifar10_c1,sb,bf16,paper,NVIDIA 60.0,NVIDIA H200\n"
        "cell,cifar10_c1,lb,bf16,paper,AMD 90.0; NVIDIA 9.0,AMD; NVIDIA H200\n"
    )
    assert script["wall_time"](str(tmp_path / "table1.csv")).splitlines()[2:] == [
        "| F1, MNIST | fp32 | paper | 0:01:00 | 1:00:01 | 3:03:02 | AMD, 1 thread; AMD, 2 threads |",
        "| F1, MNIST | bf16 | paper | 0:00:01 |  |  | AMD |",
        "| C1, CIFAR-10 | bf16 | paper | 0:01:00 (NVIDIA) | 0:01:30 (AMD), 0:00:09 (NVIDIA) |  "
        "| AMD; NVIDIA H200 |",
    ]


def test_a_row_that_the_report_lacks_is_no_empty_table():
    script = runpy.run_path(str(ROOT / "scripts" / "readme"))
    with pytest.raises(SystemExit, match="0 of the 1 lines ours of F9"):
        script["table"]("lines ours of F9 in results/report/table1.md")


def test_text_below_a_heading_ends_at_the_next_and_is_wrapped_as_the_list_it_is(tmp_path):
    script = runpy.run_path(str(ROOT / "scripts" / "readme"))
    page = tmp_path / "page.md"
    item = "- " + "word-word " * 30
    page.write_text(f"# Title\n\n## In short\n\n{item}\n- last\n\n## Next\n\n- other\n")
    lines = script["text_below"](str(page), "In short").splitlines()
    assert " ".join(line.removeprefix("  ") for line in lines) == f"{item.rstrip()} - last"
    assert [line[:2] for line in lines] == ["- ", "  ", "  ", "- "]
    table = f"| a |\n| --- |\n| {item}|\n"
    page.write_text(f"## In short\n\nbroken\nprose\n\n{table}\n{item}\n\n## Next\n")
    lines = script["text_below"](str(page), "In short").splitlines()
    assert lines[:6] == ["broken prose", "", *table.splitlines(), ""]
    assert " ".join(line.removeprefix("  ") for line in lines[6:]) == item.rstrip()
    with pytest.raises(SystemExit, match="no text below Absent"):
        script["text_below"](str(page), "Absent")


def test_every_workload_method_protocol_and_sweep_is_named():
    text = "".join(DOCUMENTS[f"docs/{name}.md"] for name in ("configuration", "methods", "protocols"))
    names = {f.stem for g in ("workload", "method", "sweep") for f in (ROOT / "conf" / g).glob("*.yaml")}
    names |= {f"protocol={f.stem}" for f in (ROOT / "conf" / "protocol").glob("*.yaml")}
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_every_choice_of_ours_is_listed():
    listed = DOCUMENTS["docs/protocols.md"].partition("\n## ")[0]
    for file in (ROOT / "conf").rglob("*.yaml"):
        comments = " ".join(line for line in file.read_text().splitlines() if line.startswith("#"))
        if re.search(r"\bours\b", comments, re.IGNORECASE):
            assert f"`{file.relative_to(ROOT)}`" in listed


def test_every_column_and_key_of_the_records_is_explained():
    from gengap.runs import COLUMNS, read_metrics

    listed = section("docs/python.md", "Records")
    rows = read_metrics(next((ROOT / "results" / "runs").glob("*/seed0")))
    assert {name for name in (*COLUMNS, *rows) if f"`{name}`" not in listed} == set()


def test_every_setting_of_the_landscape_is_in_its_table():
    common = {f.name for f in fields(SurfaceSettings)}
    for kind in KINDS:
        own = section("docs/landscape.md", kind)
        for name, default, text in explained(kind):
            row = f"| `{name}={default}` | {text.replace(' | ', ', ')} |"
            is_common = name in common and row in section("docs/landscape.md", "Settings of a surface")
            assert is_common or row in own


def anchors(text: str) -> set[str]:
    """Of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", LINKING)
def test_links_lead_somewhere(name):
    targets = re.findall(r"\]\(([^)]+)\)", prose(LINKING[name]))
    for target in targets:
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        assert not path.startswith("/")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text()), target


def test_the_map_shows_every_module():
    drawn = (ROOT / "CONTRIBUTING.md").read_text()
    modules = {file.stem for file in (ROOT / "gengap").rglob("*.py")} - {"__init__"}
    packages = {f"{file.parent.name}/" for file in (ROOT / "gengap").glob("*/__init__.py")}
    assert len(modules) > 50
    assert {name for name in modules | packages if name not in drawn} == set()
    named = set(re.findall(r"(\w+\.py)\b", drawn))
    assert named <= {file.name for place in ("gengap", "tests") for file in (ROOT / place).rglob("*.py")}


def test_every_promise_has_a_test_that_is_there():
    promises = DOCUMENTS["docs/reliability.md"]
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", promises)
    assert len(named) > 40
    for file, test in named:
        text = (ROOT / "tests" / file).read_text()
        assert not test or f"\ndef {test}(" in text, f"{file}::{test}"
    rows = [line for line in promises.splitlines() if line.startswith("| ")]
    assert all(".py" in row for row in rows if row != "| promise | proof |")
