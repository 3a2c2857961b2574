"""Scoring by parts of the hosts, on a lake with pairs."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyspark.sql import SparkSession

from common.detection.pairs.owners import read_owners
from common.lake.lake import Lake
from jobs.inference import plan
from jobs.inference.cli import main
from tests.common.detection.model_lake import HOSTS, RANGE, host, make_lake, train_model
from tests.common.detection.pairs.owner_files import CLOUD, write_owners
from tests.common.detection.pairs.pair_tables import busy_hosts, small_members, write_pairs
from tests.conftest import ENGINE
from tests.factories import SPEC

pytestmark = pytest.mark.slow

PAIRED = HOSTS - 2
"""Hosts with features and pairs: two have no pairs, two more have pairs alone."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, session: SparkSession) -> Path:
    """A lake with features, the pairs of two days, and a model that has learnt pairs."""
    lake = make_lake(tmp_path_factory.mktemp("lake"))
    rows = busy_hosts(RANGE.end - timedelta(days=2), PAIRED + 2, 192)
    slices = [row | {"host_ip": row["host_ip"].replace("10.0.0.", "10.20.0.")} for row in rows]
    slices = [row | {"host_ip": "10.99.0.1"} if row["host_ip"] == host(PAIRED + 1) else row for row in slices]
    write_pairs(lake, slices, unfinished=f"{RANGE.start:%Y-%m-%d}")
    train_model(lake, members=small_members(tmp_path_factory.mktemp("members"))[:2])
    return lake


def predictions(source: Path, lake: Path, *options: str) -> tuple[pa.Table, pa.Table, int]:
    """The predictions and the drift of a run on a copy of the lake, and the number of files."""
    shutil.copytree(source, lake)
    result = CliRunner().invoke(main, ["--window", str(RANGE), "--lake", str(lake), "--engine", ENGINE, *options])
    assert result.exit_code == 0, result.stderr
    found = Lake(str(lake), SPEC)
    order = [("window_end_ts", "ascending"), ("host_ip", "ascending")]
    return found.arrow("predictions").sort_by(order), found.arrow("model_drift"), len(found.files("predictions"))


@pytest.mark.parity
def test_parts_of_the_hosts_score_as_all_at_once(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, drift, files = predictions(source, tmp_path / "whole")
    assert files == len(RANGE.days())
    evidence = [json.loads(text) for text in whole["pair_evidence"].to_pylist()]
    assert any(pair["new"] for pairs in evidence for pair in pairs)
    assert {pairs == [] for pairs in evidence} == {True, False}
    monkeypatch.setattr(plan, "ROWS_PER_PART", 1)  # a part for each host
    monkeypatch.setattr(plan, "ROWS_PER_TASK", 1)
    by_parts, drift_by_parts, files = predictions(source, tmp_path / "parts")
    assert files > 10 * len(RANGE.days())
    assert by_parts.equals(whole)
    assert drift_by_parts.equals(drift)


def test_nothing_is_left_of_the_activity_of_parts(source: Path, tmp_path: Path) -> None:
    predictions(source, tmp_path / "lake")
    assert list((tmp_path / "lake").rglob("*.arrow")) == []


def test_owners_of_networks_are_in_the_evidence_of_a_model_that_has_learnt_with_them(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "ROWS_PER_PART", 500)
    owners = read_owners(write_owners(tmp_path / "asn.mmdb"))
    given = tmp_path / "parameters.yaml"
    given.write_text(f"network_owners: {tmp_path}/asn.mmdb\n")
    lake = Path(shutil.copytree(source, tmp_path / "learnt"))
    train_model(lake, members=small_members(tmp_path / "members")[:2], owners=owners)
    found, _, _ = predictions(lake, tmp_path / "scored", "--parameters", str(given))
    pairs = [pair for text in found["pair_evidence"].to_pylist() for pair in json.loads(text)]
    assert {pair.get("owner") for pair in pairs} == {CLOUD}
    assert all(("owner" in pair["others"]) == ("owner" in pair) for pair in pairs)
    without, _, _ = predictions(source, tmp_path / "without", "--parameters", str(given))
    assert '"owner"' not in "".join(without["pair_evidence"].to_pylist())
    result = CliRunner().invoke(main, ["--window", str(RANGE), "--lake", str(lake), "--engine", ENGINE])
    assert result.exit_code == 1
    assert "was trained with owners of networks, but the project has no network_owners" in result.stderr
