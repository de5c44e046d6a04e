"""Check a data set before it is used, since it may come from a user's own `package.module:factory`."""

from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from gengap.data.sources import ImageFiles, Images, Source
from gengap.errors import UserError


def check_source(name: str, source: Any) -> Source:
    """Return `source`, the data set selected by data.name=`name`, if it can be trained on.

    Raises:
        UserError: it is not a Source, or an array's shape, dtype or values don't fit.
    """
    if not isinstance(source, Source):
        raise UserError(
            f"data.name={name} returned {_kind(source)}: let it return a gengap.data.sources.Source"
        )
    for split in ("train", "test"):
        problem = _problem(getattr(source, split), source.num_classes)
        if problem:
            raise UserError(f"data.name={name}, {split}: {problem}")
    train, test = source.train, source.test
    if type(train) is not type(test):
        raise UserError(
            f"data.name={name}: train is {_kind(train)} and test {_kind(test)}: use the same for both"
        )
    if isinstance(train, Images) and isinstance(test, Images):
        shapes = train.images.shape[1:], test.images.shape[1:]
        if shapes[0] != shapes[1]:
            raise UserError(
                f"data.name={name}: train images are {shapes[0]}, test images {shapes[1]}: use one shape"
            )
    names = source.class_names
    if names and not (_are_texts(names) and len(names) == source.num_classes):
        raise UserError(
            f"data.name={name}: class_names is {_kind(names)}: let it be a tuple of {source.num_classes} "
            "texts, or leave it out"
        )
    return source


def _are_texts(names: Any) -> bool:
    return isinstance(names, tuple) and all(isinstance(name, str) for name in names)


def _problem(split: Any, num_classes: Any) -> str | None:
    if not isinstance(split, Images | ImageFiles):
        return f"got {_kind(split)}: let it be a gengap.data.sources.Images or ImageFiles"
    if isinstance(split, Images):
        if not _is_array(split.images, np.uint8, 4):
            return (
                f"images are {_kind(split.images)}, not a numpy array (N, height, width, channels) of uint8"
            )
        if 0 in split.images.shape[1:]:
            return f"images have shape {split.images.shape}, so no pixels"
    elif not _is_array(split.paths, np.object_, 1):
        return f"paths are {_kind(split.paths)}, not a numpy array (N,) of dtype object"
    elif not all(isinstance(path, str | Path) for path in split.paths):
        return f"paths hold {_kind(next(p for p in split.paths if not isinstance(p, str | Path)))}: use texts"
    if not _is_array(split.labels, np.int64, 1):
        return f"labels are {_kind(split.labels)}, not a numpy array (N,) of int64"
    images = len(split.images if isinstance(split, Images) else split.paths)
    if images != len(split.labels) or not images:
        return f"{images} images and {len(split.labels)} labels: give at least one image, and one label each"
    if not isinstance(num_classes, Integral) or num_classes < 1:
        return f"num_classes is {num_classes!r}, not a whole number of at least 1"
    low, high = int(split.labels.min()), int(split.labels.max())
    if low < 0 or high >= num_classes:
        return f"labels range from {low} to {high}, not from 0 to num_classes - 1 = {num_classes - 1}"
    return None


def _is_array(value: Any, dtype: type[np.generic], dimensions: int) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == dtype and value.ndim == dimensions


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array {value.shape} of {value.dtype}"
    return f"a {type(value).__module__}.{type(value).__qualname__}"
