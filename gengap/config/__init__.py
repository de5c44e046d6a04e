"""Configuration: from command-line overrides and `conf/` to a checked Config, and the identity of a run."""
