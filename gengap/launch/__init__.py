"""From configurations to runs: one or several, skipped, resumed, stopped."""
