"""Plan how each of the paper's methods adapts a small-batch recipe to a large batch."""
