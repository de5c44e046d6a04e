"""Train longer, generalize better: a reproduction of Hoffer, Hubara & Soudry 2017."""

from gengap.api import load, train

__all__ = ["load", "train"]
__version__ = "0.1.0"
