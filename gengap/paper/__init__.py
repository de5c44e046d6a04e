"""The paper as data: published numbers, names and labels of the methods."""
