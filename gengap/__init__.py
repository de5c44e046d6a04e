"""Train longer, generalize better: a reproduction of Hoffer, Hubara & Soudry 2017."""

__version__ = "0.1.0"
