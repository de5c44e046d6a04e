"""Launch one or more runs, which may be skipped, resumed or stopped early."""
