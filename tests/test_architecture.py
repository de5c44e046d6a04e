"""The rooms of the package: which may import which, how long a file may be, and no circle of imports."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import gengap

PACKAGE = Path(gengap.__file__).parent
LONGEST = 200  # lines
BASE = {"errors", "learning_rate", "randomness"}

# A room, or a module at the root, to the ones that it may import: CONTRIBUTING.md draws the same
ALLOWED = {
    "errors": set(),
    "learning_rate": set(),
    "randomness": set(),
    "ghost": set(),
    "paper": set(),
    "config": {*BASE},
    "regime": {"config", "learning_rate"},
    "models": {*BASE, "config"},
    "data": {*BASE, "config"},
    "runs": {*BASE},
    "training": {*BASE, "config", "data", "ghost", "models", "regime", "runs"},
    "launch": {*BASE, "config", "data", "regime", "runs", "training"},
    "plan": {*BASE, "config", "paper", "regime"},
    "report": {*BASE, "config", "paper", "runs"},
    "bench": {*BASE, "config", "data", "models", "paper", "regime", "report", "runs", "training"},
    "cli": {*BASE, "bench", "config", "launch", "plan", "report", "runs"},
    "__main__": {*BASE, "cli"},
}  # fmt: skip


def sources() -> dict[str, Path]:
    """Every module of the package by its dotted name below gengap."""
    files = {file.relative_to(PACKAGE).with_suffix(""): file for file in PACKAGE.rglob("*.py")}
    named = {".".join(p for p in path.parts if p != "__init__"): file for path, file in files.items()}
    assert len(named) > 80  # else the files were not found
    return named


def imported(file: Path, modules: set[str]) -> set[str]:
    """The modules of the package that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gengap":
            origin = (node.module or "").removeprefix("gengap").removeprefix(".")
            names = {f"{origin}.{alias.name}".removeprefix(".") for alias in node.names}
            found |= {name if name in modules else origin for name in names}
        elif isinstance(node, ast.Import):
            names = {alias.name for alias in node.names if alias.name.startswith("gengap.")}
            found |= {name.removeprefix("gengap.") for name in names}
    return found - {""}


def graph() -> dict[str, set[str]]:
    modules = sources()
    return {name: imported(file, set(modules)) - {name} for name, file in modules.items() if name}


def room(module: str) -> str:
    return module.partition(".")[0]


def test_rooms_import_only_what_they_may():
    found = {}
    for module, others in graph().items():
        for other in others:
            if room(other) != room(module) and room(other) not in ALLOWED[room(module)]:
                found.setdefault(f"{room(module)} -> {room(other)}", []).append(module)
    assert found == {}


def test_every_room_is_in_the_plan():
    assert {room(module) for module in graph()} == set(ALLOWED)


def test_no_room_may_import_one_that_may_import_it():
    TopologicalSorter(ALLOWED).prepare()  # raises CycleError


def test_no_module_imports_itself_by_way_of_others():
    TopologicalSorter(graph()).prepare()


def test_files_are_short():
    lengths = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in sources().items()}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
