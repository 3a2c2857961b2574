"""Joined rows that are staged by the run that scores, and published later."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from common.lake.lake import Lake
from common.runtime.lake_project import with_lake_project
from jobs.inference.cli import main as inference
from jobs.join.cli import main
from jobs.streaming_15m.config import StreamingConfig
from jobs.streaming_15m.job import run as run_streaming
from localaws.cli.process import LocalAws
from tests.commands import run
from tests.common.detection.model_lake import HOSTS, RANGE, make_lake, train_model
from tests.conftest import ENGINE
from tests.factories import SPEC
from tests.lakes import note_whole
from tests.types import Run

pytestmark = pytest.mark.slow

LAST = list(RANGE)[-1]
TABLE = "prediction_join"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with features and a current model."""
    lake = make_lake(tmp_path_factory.mktemp("lake"))
    train_model(lake)
    return lake


@pytest.fixture
def lake(source: Path, tmp_path: Path) -> Path:
    return shutil.copytree(source, tmp_path / "lake")


def score(lake: Path, batch: str = "b1") -> None:
    """Scores the windows, and stages the join, as ndr-15m --through join does after the features."""
    options: dict[str, Any] = {
        "windows": RANGE, "lake_uri": str(lake), "engine": ENGINE, "mini_batch_id": batch, "project_name": None,
        "feature_spec_version": None, "parameters_path": None,
    }  # fmt: skip
    options |= {"log_format": None, "log_time_zone": None, "max_rejected_ratio": None, "baseline_month": None}
    known = with_lake_project(options)
    run_streaming(StreamingConfig(**known, inputs=(), first="inference", last="join"))


def publish(lake: Path, staged: str = "b1", *more: str) -> Run:
    return run(main, "--window", RANGE, "--lake", lake, "--engine", ENGINE, "--staged", staged, *more)


def rows(lake: Path) -> pa.Table:
    return Lake(str(lake), SPEC).arrow(TABLE).sort_by([("window", "ascending"), ("host_ip", "ascending")])


def stages(lake: Path) -> list[Path]:
    return [path for path in (lake / "_staged").rglob("*") if path.is_file()]


def test_staged_rows_are_seen_only_once_published_and_are_those_of_the_two_commands(lake: Path, tmp_path: Path) -> None:
    apart = shutil.copytree(lake, tmp_path / "apart")
    for command in (inference, main):
        assert run(command, "--window", RANGE, "--lake", apart, "--engine", ENGINE)[0] == 0
    score(lake)
    assert not (lake / TABLE).exists() and len(stages(lake)) == 1
    code, report, error = publish(lake)
    assert code == 0, error
    assert report["rows_in"] == report["rows_out"] == report["tables"][TABLE]["rows"] == len(RANGE) * HOSTS
    assert report["details"]["alerts"] == sum(score >= 0.999 for score in rows(lake)["anomaly_score"].to_pylist())
    assert stages(lake) == []
    assert rows(lake) == rows(apart)


def test_publishing_replaces_the_windows_in_one_commit_and_leaves_others(lake: Path) -> None:
    score(lake)
    publish(lake)
    version, before = Lake(str(lake), SPEC).version(TABLE), rows(lake)
    score(lake, "b2")
    assert publish(lake, "b2")[0] == 0
    assert Lake(str(lake), SPEC).version(TABLE) == version + 1
    assert rows(lake) == before


def test_a_staged_join_that_is_missing_is_an_error(lake: Path) -> None:
    score(lake)
    code, _, error = publish(lake, "other")
    assert code == 1
    assert re.search(r"the join of 2026-.* under the id other is not staged in .*_staged/prediction_join", error)
    assert publish(lake)[0] == 0
    assert publish(lake)[0] == 1


def test_a_staged_join_that_is_older_than_the_predictions_is_an_error(lake: Path) -> None:
    score(lake)
    note_whole(lake, LAST, ["inference"])
    code, _, error = publish(lake)
    assert code == 1
    assert "staged under the id b1 is older than the predictions. Publish what the last run" in error
    assert not (lake / TABLE).exists()


def test_features_that_were_made_again_make_a_staged_join_useless(lake: Path) -> None:
    score(lake)
    note_whole(lake, LAST)
    code, _, error = publish(lake)
    assert code == 1
    assert "inference is older than fg_a and fg_c" in error


def test_a_young_project_publishes_nothing(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "lake")
    score(lake)
    code, report, error = publish(lake)
    assert code == 0, error
    assert report["details"]["learning"]["model"].startswith("day 1 of ")
    assert stages(lake) == [] and not (lake / TABLE).exists()


def test_stages_that_nobody_published_are_removed_after_a_week(lake: Path) -> None:
    score(lake, "forgotten")
    (old,) = stages(lake)
    week_ago = time.time() - 7 * 86_400 - 60
    os.utime(old, (week_ago, week_ago))
    score(lake)
    assert old not in stages(lake) and len(stages(lake)) == 1


def test_staged_rows_are_published_at_the_destination(lake: Path, tmp_path: Path, aws_environment: LocalAws) -> None:
    aws_environment.client("s3").create_bucket(Bucket="staged-destination")
    (tmp_path / "project.yaml").write_text("publication: {s3_prefix: s3://staged-destination/out}\n")
    score(lake)
    given = ("--destination", "s3", "--parameters", str(tmp_path / "project.yaml"))
    code, report, error = publish(lake, "b1", *given)
    assert code == 0, error
    assert report["details"]["publication"]["windows"] == {window.key: HOSTS for window in RANGE}
    assert [step["step"] for step in report["steps"]] == ["check", TABLE, "s3"]
