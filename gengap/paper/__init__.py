"""The published numbers and the names of the methods, as data."""
