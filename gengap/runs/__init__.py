"""The records: written while a run trains, read by whatever reports on it."""

from gengap.runs.store import COLUMNS, Store, read_metrics, read_record, read_runs, read_store

__all__ = ["COLUMNS", "Store", "read_metrics", "read_record", "read_runs", "read_store"]
