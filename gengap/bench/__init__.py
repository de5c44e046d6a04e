"""Benchmark gengap's training loop against a typical one, measured in alternation on the same machine."""
