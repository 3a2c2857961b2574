"""Secrets are found in whichever layer they are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.checkout import ROOT
from tests.images.cluster import docker
from tests.images.containers import Done

LEAKY = "ndr-leaky-test"
KEY = "AKIA" + "Q3EXAMP1E7TESTKE"  # in two parts, so that no scanner takes this file for a leak


def search(*images: str) -> Done:
    command = [sys.executable, "images/leaks.py", *images]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def leaky() -> Iterator[str]:
    """An image with an access key in a file that a later layer deletes, and a password in its environment."""
    written = ("--user", "root", "--entrypoint", "sh", "ndr-fg-c", "-c", f"echo key = {KEY} >/opt/notes.txt")
    removed = ("--user", "root", "--entrypoint", "rm", LEAKY, "/opt/notes.txt")
    for arguments, change in ((written, ()), (removed, ("--change", "ENV REDSHIFT_PASSWORD=hunter2"))):
        docker("run", "--name", LEAKY, *arguments)
        docker("commit", *change, LEAKY, LEAKY)
        docker("rm", LEAKY)
    yield LEAKY
    docker("rmi", LEAKY)


def test_secrets_are_found_in_covered_layers_and_in_the_configuration(leaky: str) -> None:
    found = search(leaky)
    assert found.returncode == 1
    lines = found.stderr.splitlines()
    assert any(line.endswith("opt/notes.txt holds a secret") for line in lines)
    assert any("its configuration says 'REDSHIFT_PASSWORD=hunter2'" in line for line in lines)
