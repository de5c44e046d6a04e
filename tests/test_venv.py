"""scripts/venv with a stand-in for Python, pip and uv: which certificates and mirror they are told of."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "venv"
SYSTEM = ("certs/ca-certificates.crt", "ca-bundle.pem", "cert.pem")  # in /etc/ssl; Red Hat's is elsewhere
PYTHON = """#!/bin/bash
case "$*" in
    "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; cp "$0" "$3/bin/uv" ;;
    *" config list") printf '%s' "$PIP_SETTINGS" ;;
    *"install --quiet uv" | "pip install "*)
        echo "${0##*/} $SSL_CERT_FILE|$PIP_CERT|$UV_SYSTEM_CERTS|$UV_DEFAULT_INDEX" >>calls
        exit "$CODE" ;;
esac
"""


@pytest.fixture
def told(tmp_path):
    """Runs the script; gives its exit code, standard error and what pip and uv were told."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)

    def run(code=0, **variables):
        environment = {"PATH": os.environ["PATH"], "PYTHON": str(python), "CODE": str(code), **variables}
        command = ["bash", str(tmp_path / "scripts" / "venv")]
        done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stderr, (tmp_path / "calls").read_text().splitlines()

    return run


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SSL_CERT_FILE": "a.pem"}, "a.pem|a.pem||"),
        ({"SSL_CERT_FILE": "a.pem", "PIP_CERT": "b.pem"}, "a.pem|b.pem||"),
        ({"REQUESTS_CA_BUNDLE": "a.pem"}, "a.pem|a.pem||"),
        (
            {"PIP_SETTINGS": "global.cert='a.pem'\nglobal.index-url='https://mirror'\n"},
            "a.pem|a.pem||https://mirror",
        ),
        ({"SSL_CERT_FILE": "a.pem", "UV_DEFAULT_INDEX": "https://own"}, "a.pem|a.pem||https://own"),
    ],
)
def test_what_the_user_has_set_counts_for_pip_and_uv(variables, expected, told):
    code, _, calls = told(**variables)
    assert (code, calls) == (0, [f"python {expected}", f"uv {expected}"])


def test_the_system_s_certificates_are_trusted(told):
    files = [*(Path("/etc/ssl") / name for name in SYSTEM), Path("/etc/pki/tls/certs/ca-bundle.crt")]
    there = [str(file) for file in files if os.access(file, os.R_OK)]
    code, _, (pip, uv) = told()
    assert code == 0
    certificates, system = uv.split("|")[1:3]
    assert pip == uv.replace("uv", "python", 1)
    assert (certificates in there, system) == (True, "true") if there else (certificates, system) == ("", "")


def test_a_failure_ends_with_what_to_set(told):
    code, stderr, calls = told(code=1)
    assert code == 1
    assert len(calls) == 1  # uv is not reached
    assert "SSL_CERT_FILE=/path/to/certificates.pem" in stderr.splitlines()[-1]
    assert told(code=0)[0] == 0  # it is not taken for complete
