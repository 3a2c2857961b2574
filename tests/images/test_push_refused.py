"""What a push says where it cannot begin, on a machine without a Docker engine too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from localaws.cli.process import LocalAws
from tests.checkout import ROOT


def refusal(environment: dict[str, str], record: Path) -> str:
    command = [sys.executable, "images/push.py", "--record", str(record), "ndr-fg-c"]
    bare = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    variables = {**bare, "TAG": "0123456789ab", **environment}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, record.exists()) == (1, False)
    return done.stderr


def test_a_push_without_credentials_says_so(tmp_path: Path) -> None:
    nobody = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    said = refusal(nobody, tmp_path / "push.json")
    assert said.startswith("error: ECR lets nobody in: Unable to locate credentials. Check the credentials, ")


@pytest.mark.slow
def test_a_push_without_docker_says_what_to_install(local_aws: LocalAws, tmp_path: Path) -> None:
    said = refusal({**local_aws.environment, "PATH": str(tmp_path), "REGISTRY": "here:5000"}, tmp_path / "push.json")
    assert said.startswith("error: docker is not installed here. Install Docker with Buildx, or use images/engine.sh")
