"""`gengap landscape` as the tests type it, and the records that it makes."""

from pathlib import Path

from gengap.runs.folders import measurement_files
from gengap.runs.measurements import read_measurement
from tests.landscape.conftest import SHORT

RUN = " ".join(("+experiment=digits_lb", *SHORT, "results_dir=trained"))
LB, SB = "trained/runs/digits_f1-lb-4942b754/seed0", "trained/runs/digits_f1-sb-caaa6ffc/seed0"


def files():
    return measurement_files(Path("trained"))[0]


def records():
    return {f"{file.parts[-3]}/{file.name}": read_measurement(file) for file in files()}


def nothing_measured():
    return not Path("trained/landscape").exists()
