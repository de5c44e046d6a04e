"""What is asked for: from words and `conf/` to a checked Config, and the identity of a run."""
