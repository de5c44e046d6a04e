"""Faster GPU versions of torch's layers, with the same results up to rounding."""
