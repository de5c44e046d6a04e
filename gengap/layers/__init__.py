"""Layers that compute what torch's compute, up to rounding, and take less time on a GPU."""
