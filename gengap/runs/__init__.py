"""The records: written while a run trains, read by whatever reports on it. Importing it needs no torch."""

from gengap.runs.record import Status, read_record
from gengap.runs.table import COLUMNS, Store, read_metrics, read_runs, read_store

__all__ = ["COLUMNS", "Status", "Store", "read_metrics", "read_record", "read_runs", "read_store"]
