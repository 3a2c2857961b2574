"""Folders of zones, and a server that answers like S3 and SNS."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from jobs.c360_validate.cli import main
from tests.commands import call
from tests.pipelines.conftest import environment, moto, moto_server
from tests.types import Run

__all__ = ["environment", "moto_server"]

DELIVERED = 1_736_000_000_123_456_000
"""2025-01-04T14:13:20.123456Z, in nanoseconds."""


@dataclass(frozen=True)
class LocalFiles:
    """Zones below a folder."""

    folder: Path

    def deliver(self, name: str, content: bytes, delivered: int = DELIVERED) -> Path:
        """A file of `raw`."""
        path = self.folder / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, ns=(delivered, delivered))
        return path

    def validate(self, *arguments: str | float | Path) -> Run:
        """Exit code, run report with its details, and stderr."""
        code, output, error = call(main, "--zones", self.folder, *map(str, arguments))
        report = json.loads(output) if code == 0 else {}
        return code, report | report.get("details", {}), error

    def names(self) -> list[str]:
        """All files of all zones, also hidden ones."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def reason(self) -> dict[str, Any]:
        """The only reason."""
        (path,) = (self.folder / "rejected").rglob("*.reason.json")
        found: dict[str, Any] = json.loads(path.read_text())
        return found


@pytest.fixture
def zones(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path)


@pytest.fixture
def aws(moto_server: str, environment: pytest.MonkeyPatch) -> Any:
    """A client of S3 with the empty bucket `zones`."""
    for name, value in {"ENDPOINT_URL": moto_server, "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}.items():
        environment.setenv(f"AWS_{name}", value)
    moto(moto_server, "reset")
    s3 = boto3.client("s3", region_name="eu-central-1")
    s3.create_bucket(Bucket="zones", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return s3
