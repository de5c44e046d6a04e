"""The kinds of measurement, by name."""

from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import Any, cast

from gengap.config.schema import Config
from gengap.landscape.accuracy import accuracy
from gengap.landscape.curvature import curvature
from gengap.landscape.line import alphas, line
from gengap.landscape.potential import DIRECTIONS, potential
from gengap.landscape.settings import Adaptive, Curvature, Line, Potential, Sharpness, Walk
from gengap.landscape.sharpness import adaptive_sharpness, sharpness
from gengap.landscape.subject import Subject
from gengap.landscape.subspace import Subspace
from gengap.landscape.walk import planned, walk

# Takes a subject, the run at a line's start and the number of measurements done; yields the remaining ones
Measure = Callable[[Subject, Config | None, int], Iterator[dict[str, Any]]]


def _sharpness(subject: Subject, start: Config | None, done: int) -> Iterator[dict[str, Any]]:
    settings = cast(Sharpness, subject.settings)
    surface = subject.surface(subject.trained())
    seed, dimension = subject.config.seed, settings.subspace
    subspace = None if dimension is None else Subspace(surface.size, dimension, seed)
    for epsilon in settings.epsilon[done:]:
        yield sharpness(surface, epsilon, subspace, settings.iterations)


def _adaptive(subject: Subject, start: Config | None, done: int) -> Iterator[dict[str, Any]]:
    settings = cast(Adaptive, subject.settings)
    surface = subject.surface(subject.trained())
    for rho in settings.rho[done:]:
        yield adaptive_sharpness(surface, rho, settings.iterations)


def _line(subject: Subject, start: Config | None, done: int) -> Iterator[dict[str, Any]]:
    assert start is not None
    yield from line(subject, cast(Line, subject.settings), start, done)


def _accuracy(subject: Subject, start: Config | None, done: int) -> Iterator[dict[str, Any]]:
    if not done:
        yield accuracy(subject)


def _curvature(subject: Subject, start: Config | None, done: int) -> Iterator[dict[str, Any]]:
    settings = cast(Curvature, subject.settings)
    surface = subject.surface(subject.trained())
    seed = subject.config.seed
    if not done:
        yield curvature(surface, settings.eigenvalues, settings.probes, settings.tolerance, seed)


def _potential(subject: Subject, start: Config | None, done: int) -> Iterator[dict[str, Any]]:
    yield from potential(subject, cast(Potential, subject.settings), done)


def _walk(subject: Subject, start: Config | None, done: int) -> Iterator[dict[str, Any]]:
    yield from walk(subject, cast(Walk, subject.settings), done)


def total(subject: Subject) -> int:
    """Number of measurements in a record of a subject."""
    settings = subject.settings
    if isinstance(settings, Sharpness):
        return len(settings.epsilon)
    if isinstance(settings, Adaptive):
        return len(settings.rho)
    if isinstance(settings, Line):
        return len(alphas(settings))
    if isinstance(settings, Potential):
        return ceil(settings.directions / DIRECTIONS)
    if isinstance(settings, Walk):
        points, sizes = planned(subject, settings)
        return len(points) * len(sizes)
    return 1


MEASURES: Mapping[str, Measure] = {
    "sharpness": _sharpness,
    "adaptive": _adaptive,
    "line": _line,
    "accuracy": _accuracy,
    "curvature": _curvature,
    "potential": _potential,
    "walk": _walk,
}
