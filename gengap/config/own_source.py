"""Fingerprint of the source code of a user's own network or data set, to tell whether it has changed."""

import ast
import hashlib
import site
import sysconfig
import tokenize
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import Any, NamedTuple

from gengap.config.factory import imported

_INSTALLED = [*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_path("stdlib")]
_NOT_OWN = [Path(__file__).parents[1], *(Path(folder).resolve() for folder in _INSTALLED)]
_Import = (ast.Import, ast.ImportFrom)


def own_fingerprint(key: str, name: str) -> str | None:
    """Fingerprint the source code of a user's own factory; None for gengap's and installed ones.

    Args:
        key: `model.name` or `data.name`, for the error.
        name: its value.

    Raises:
        UserError: the factory can't be imported.
    """
    return source_fingerprint(name, imported(key, name, ())) if ":" in name else None


@cache
def source_fingerprint(name: str, factory: Callable[..., Any]) -> str | None:
    """Hash all code in the user's own files that a factory depends on; None if it isn't from such a file.

    This covers its own definition and, followed by name through these files, the definitions of the
    functions, classes and constants it uses, but not installed packages or anything else in the files.

    Args:
        name: `package.module:factory`.
        factory: object imported by that name. Its source is read only once, because its file may be edited
            while a command's runs are being trained.
    """
    module, _, attribute = name.partition(":")
    source = _Source()
    source.follow(module, attribute)
    texts = "\0".join(sorted(source.texts))
    return hashlib.blake2b(texts.encode(), digest_size=16).hexdigest() if texts else None


class _Module(NamedTuple):
    """A module: its lines, the statements defining each name ("*" for star imports), and its package."""

    lines: list[str]
    definitions: dict[str, list[ast.stmt]]
    package: str


class _Source:
    """Collects the source text of all definitions that are followed."""

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self._seen: set[tuple[str, str]] = set()
        self._modules: dict[str, _Module | None] = {}

    def follow(self, module: str, name: str) -> None:
        """Add the definition of a name in a module, and of everything it uses."""
        found = self._read(module)
        if (module, name) in self._seen or found is None:
            return
        self._seen.add((module, name))
        definitions = found.definitions.get(name, found.definitions.get("*", []))
        if not definitions and found.package == module:
            self._follow_all(f"{module}.{name}")
        for statement in definitions:
            if isinstance(statement, _Import):
                self._follow_import(found.package, name, statement)
                continue
            self.texts.add(_text(found.lines, statement))
            for used in {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}:
                self.follow(module, used)

    def _follow_import(self, package: str, name: str, statement: ast.Import | ast.ImportFrom) -> None:
        for alias in statement.names:
            if alias.name != "*" and _bound(alias) != name:
                continue
            if isinstance(statement, ast.Import):
                self._follow_all(alias.name)
            else:
                origin = resolve_name("." * statement.level + (statement.module or ""), package)
                self.follow(origin, name if alias.name == "*" else alias.name)

    def _follow_all(self, module: str) -> None:
        found = self._read(module)
        for name in found.definitions if found else ():
            self.follow(module, name)

    def _read(self, module: str) -> _Module | None:
        if module not in self._modules:
            self._modules[module] = _own_module(module)
        return self._modules[module]


def _own_module(name: str) -> _Module | None:
    """Read a module from the user's own files; None if it is elsewhere or doesn't exist."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None
    file = Path(spec.origin).resolve() if spec and spec.has_location and spec.origin else Path()
    if file.suffix != ".py" or any(file.is_relative_to(folder) for folder in _NOT_OWN):
        return None
    try:
        with tokenize.open(file) as opened:
            text = opened.read()
        statements = ast.parse(text).body
    except (OSError, SyntaxError, ValueError):  # such a file can't have been imported
        return None
    definitions: dict[str, list[ast.stmt]] = {}
    for statement in statements:
        for defined in dict.fromkeys(_defined(statement)):
            definitions.setdefault(defined, []).append(statement)
    package = name if file.stem == "__init__" else name.rpartition(".")[0]
    return _Module(text.splitlines(), definitions, package)


def _defined(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a top-level statement defines, including those inside its if, try or with."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, _Import):
        yield from map(_bound, statement.names)
    else:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield node.name


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _text(lines: list[str], statement: ast.stmt) -> str:
    """Source text of a statement, including its decorators."""
    decorators = getattr(statement, "decorator_list", [])
    first = min(node.lineno for node in (*decorators, statement))
    return "\n".join(line.rstrip() for line in lines[first - 1 : statement.end_lineno])
