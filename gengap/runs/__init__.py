"""Records of runs: written during training, read for reports. Importing this package imports no torch."""

from gengap.runs.record import read_record
from gengap.runs.schema import Status
from gengap.runs.table import COLUMNS, Store, read_metrics, read_runs, read_store

__all__ = ["COLUMNS", "Status", "Store", "read_metrics", "read_record", "read_runs", "read_store"]
