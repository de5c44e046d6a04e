"""The architecture: which package may import which, no import cycles, and the length of files."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import gengap

PACKAGE = Path(gengap.__file__).parent
LONGEST = 200  # lines
BASE = {
    "batches", "cores", "duration", "errors", "faults", "learning_rate", "paths", "randomness", "terminal"
}  # fmt: skip

# What each package, or module at the root, may import; CONTRIBUTING.md has the same picture
ALLOWED = {
    "batches": set(),
    "cores": set(),
    "duration": set(),
    "errors": {"terminal"},
    "faults": {"errors", "terminal"},
    "learning_rate": set(),
    "paths": {"errors"},
    "randomness": set(),
    "terminal": set(),
    "ghost": set(),
    "paper": set(),
    "config": {*BASE},
    "regime": {"batches", "config", "errors", "learning_rate"},
    "models": {*BASE, "config"},
    "data": {*BASE, "config"},
    "runs": {*BASE},
    "layers": set(),
    "training": {*BASE, "config", "data", "ghost", "layers", "models", "regime", "runs"},
    "launch": {*BASE, "config", "data", "regime", "runs", "training"},
    "landscape": {*BASE, "config", "data", "launch", "models", "regime", "runs", "training"},
    "plan": {*BASE, "config", "paper", "regime", "runs"},
    "report": {*BASE, "config", "paper", "runs"},
    "bench": {
        *BASE, "config", "data", "landscape", "models", "paper", "regime", "report", "runs", "training"
    },
    "api": {*BASE, "config", "launch", "runs", "training"},
    "cli": {*BASE, "bench", "config", "data", "landscape", "launch", "plan", "report", "runs"},
    "__main__": {*BASE, "cli"},
}  # fmt: skip


def sources() -> dict[str, Path]:
    """The file of every module, by its dotted name below gengap."""
    files = {file.relative_to(PACKAGE).with_suffix(""): file for file in PACKAGE.rglob("*.py")}
    named = {".".join(p for p in path.parts if p != "__init__"): file for path, file in files.items()}
    assert len(named) > 80  # else the files were not found
    return named


def imported(file: Path, modules: set[str]) -> set[str]:
    """The modules of gengap that a file imports, including inside functions."""
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


def package(module: str) -> str:
    return module.partition(".")[0]


def test_packages_import_only_allowed_packages():
    found = {}
    for module, others in graph().items():
        for other in others:
            if package(other) != package(module) and package(other) not in ALLOWED[package(module)]:
                found.setdefault(f"{package(module)} -> {package(other)}", []).append(module)
    assert found == {}


def test_every_package_is_listed():
    assert {package(module) for module in graph()} == set(ALLOWED)


def test_allowed_imports_have_no_cycle():
    TopologicalSorter(ALLOWED).prepare()  # raises CycleError


def test_modules_have_no_import_cycle():
    TopologicalSorter(graph()).prepare()


def test_files_are_short():
    lengths = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in sources().items()}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
