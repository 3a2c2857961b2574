"""A young project on a local AWS: ten hosts whose logs are in a bucket, and horizons of hours."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from localaws.cli.process import LocalAws
from tests.e2e.conftest import Command

PROJECT = "young"
FOLDER = "fw_paloalto/acme/hq"
ATTEMPTS = ("extractor", "backfill", "inventory", "fg_b", "training", "inference", "join", "features")


def simulated(folder: Path, command: Command, days: int) -> Path:
    """The folder of the logs of so many days, which begin at 2026-03-03T00:08Z."""
    made = command("ndr-simulate", "--out", folder, "--hosts", "10", "--days", str(days), "--intensity", "0.2")
    assert made.returncode == 0, made.stderr
    return folder


def project_file(folder: Path, bucket: str, horizon: float) -> Path:
    """A project file in the folder, below which the lake will be, with logs in the bucket and a horizon in days."""
    orchestration: dict[str, Any] = {
        "lake_uri": str(folder / "lake"),
        "ingestion_prefix": f"s3://{bucket}/{FOLDER}",
        "poll_seconds": 1,
        **{f"{name}_poll_attempts": 3600 for name in ATTEMPTS},
    }
    settings = {
        "horizons": {"7d": {"days": horizon, "gap_days": 0}},
        "training": {"min_coverage": 0.0, "promotion": "always", "min_rows": 200},
    }
    project = {
        "project_name": PROJECT,
        "organisations": ["acme/hq"],
        "settings": settings,
        "orchestration": orchestration,
    }
    path = folder / "project.yaml"
    path.write_text(yaml.safe_dump(project))
    return path


def upload(local: LocalAws, bucket: str, scenario: Path, batches: Iterable[Path]) -> None:
    """Puts the files of batches into the bucket, below the same folders as in the scenario."""
    s3 = local.client("s3")

    def put(path: Path) -> None:
        s3.put_object(Bucket=bucket, Key=str(path.relative_to(scenario)), Body=path.read_bytes())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, [path for batch in batches for path in batch.iterdir()]))


def batches_of(scenario: Path) -> list[Path]:
    """The folders of the scenario's batches, in the order of their windows."""
    return sorted((scenario / FOLDER).glob("*/*/*/*"), key=lambda batch: (batch / "_BATCH.json").read_text())
