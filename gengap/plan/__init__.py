"""A small-batch recipe moved to a large batch by each of the paper's methods."""
