"""gengap's loop beside the typical user's, in one run, on this machine."""
