"""Launching runs: one or several, skipped, resumed or stopped early."""
