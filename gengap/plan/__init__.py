"""What a small-batch recipe becomes at a large batch, by each of the paper's methods."""
