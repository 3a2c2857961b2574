"""Commands take project, specification and settings from the lake, and refuse others."""

from __future__ import annotations

import json
import os
import pty
import shutil
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest

from common.config.dynamodb import seed_project
from common.config.sources import read_document
from common.errors import AwsError, LakeMismatchError, ParameterError
from common.lake.identity import LakeIdentity
from common.lake.lake import Lake
from common.lake.lake_format import FILE, create_record, read_record, replace_record
from common.runtime.catalog import STAGES
from common.runtime.lake_project import LakeProject, lake_identity, lake_project, with_lake_project
from jobs.inference.cli import main as infer
from jobs.join.cli import main as join
from localaws.cli.process import LocalAws
from tests.commands import call, run
from tests.common.detection.model_lake import RANGE, make_lake, train_model
from tests.conftest import ENGINE
from tests.factories import SPEC
from tests.localaws.running import create_table, unique
from tools.evaluate.cli import main as evaluate
from tools.feedback.cli import main as feedback
from tools.models.cli import main as models
from tools.report.cli import main as report

ACME = LakeIdentity("acme", "v1", {"settings": {"time_zone": "Asia/Tokyo", "training": {"min_rows": 20}}})
WINDOW = ("--window", "2026-03-10T13:08Z")
OPTIONS = {
    "ndr-delta": (*WINDOW, "--input", "logs"),
    "ndr-15m": (*WINDOW, "--input", "logs"),
    "ndr-fg-b": ("--month", "2026-03"),
    "ndr-inventory-unload": ("--month", "2026-03"),
    "ndr-extractor": (*WINDOW, "--request-id", "r1", "--input-prefix", "logs", "--manifest", "manifest"),
    "ndr-if-training": ("--window", RANGE),
    "ndr-page": ("--out", "page.html"),
    "ndr-maintain": (),
    "ndr-canary": (),
}


@pytest.fixture(autouse=True)
def each_test_reads_anew() -> Iterator[None]:
    read_document.cache_clear()
    yield
    read_document.cache_clear()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of project acme with features and a model."""
    lake = tmp_path_factory.mktemp("acme") / "lake"
    create_record(str(lake), ACME)
    make_lake(lake)
    train_model(lake, project_name="acme")
    return lake


@pytest.fixture
def lake(tmp_path: Path) -> str:
    """The record of a lake, without tables."""
    create_record(str(tmp_path / "lake"), ACME)
    return str(tmp_path / "lake")


@pytest.fixture
def item(aws_environment: LocalAws) -> str:
    """A source with the item of project acme: the settings that the lake has."""
    table = unique("settings")
    create_table(aws_environment, table, "project_name", "parameters")
    put(table, time_zone="Asia/Tokyo")
    return f"dynamodb://{table}"


def put(table: str, **settings: Any) -> None:
    orchestration = {"lake_uri": "s3://lake/ndr", "ingestion_prefix": "s3://inbox/acme/hq"}
    seed_project(table.removeprefix("dynamodb://"), "acme", "v1", settings, orchestration)
    read_document.cache_clear()


def identity(lake: Path | str) -> LakeIdentity:
    record = read_record(str(lake))
    assert record is not None
    return record.require_known(str(lake))


def test_a_new_lake_is_local_with_defaults_until_it_is_named(tmp_path: Path) -> None:
    found = lake_project(str(tmp_path / "lake"))
    assert found == LakeProject(LakeIdentity("local", "v1", {"settings": {}}))
    assert found.parameters == "defaults"
    named = lake_project(str(tmp_path / "lake"), "acme", "v1", None, log_time_zone="Asia/Tokyo")
    assert named.settings.log_time_zone == "Asia/Tokyo"
    assert named.identity == LakeIdentity("acme", "v1", {"settings": {"log_time_zone": "Asia/Tokyo"}})


def test_a_lake_is_what_its_record_says(lake: str) -> None:
    found = lake_project(lake)
    assert (found.name, found.feature_spec_version, found.parameters) == ("acme", "v1", "lake")
    assert (found.settings.time_zone, found.settings.training.min_rows) == ("Asia/Tokyo", 20)


def test_given_settings_of_operation_hold_for_the_run_alone(lake: str, tmp_path: Path) -> None:
    path = tmp_path / "project.yaml"
    path.write_text("time_zone: Asia/Tokyo\ntraining: {min_rows: 30}\n")
    found = lake_project(lake, parameters=str(path))
    assert (found.settings.training.min_rows, found.parameters) == (30, str(path))
    assert lake_project(lake).settings.training.min_rows == 20


def test_given_settings_that_would_give_other_rows_are_refused(lake: str, tmp_path: Path) -> None:
    path = tmp_path / "project.yaml"
    path.write_text("training: {min_rows: 20}\n")
    with pytest.raises(LakeMismatchError, match=r"differ .*: time_zone is 'UTC', in the lake 'Asia/Tokyo'"):
        lake_project(lake, parameters=str(path))


def test_a_lake_with_a_source_follows_its_item(lake: str, item: str) -> None:
    replace_record(lake, replace(ACME, parameters={"source": item}))
    assert lake_project(lake).settings.time_zone == "Asia/Tokyo"
    put(item, time_zone="Europe/Berlin")
    for given in (None, item):  # the item may change: whoever names it is never refused
        assert lake_project(lake, parameters=given).settings.time_zone == "Europe/Berlin"
    assert (lake_project(lake).parameters, lake_project(lake, parameters=item).parameters) == ("lake", item)


def test_a_source_is_compared_with_recorded_values(lake: str, item: str) -> None:
    assert lake_project(lake, parameters=item).parameters == item
    put(item, time_zone="Europe/Berlin")
    with pytest.raises(LakeMismatchError, match="time_zone is 'Europe/Berlin', in the lake 'Asia/Tokyo'"):
        lake_project(lake, parameters=item)


def test_another_source_is_compared_with_the_recorded_one(lake: str, item: str, tmp_path: Path) -> None:
    replace_record(lake, replace(ACME, parameters={"source": item}))
    path = tmp_path / "project.yaml"
    path.write_text("time_zone: Asia/Tokyo\n")
    assert lake_project(lake, parameters=str(path)).settings.time_zone == "Asia/Tokyo"
    put(item, time_zone="Europe/Berlin")
    with pytest.raises(LakeMismatchError, match="time_zone is 'Asia/Tokyo', in the lake 'Europe/Berlin'"):
        lake_project(lake, parameters=str(path))


def test_a_source_that_cannot_be_read_is_an_error(lake: str, aws_environment: LocalAws) -> None:
    replace_record(lake, replace(ACME, parameters={"source": f"dynamodb://{unique('none')}"}))
    with pytest.raises(AwsError, match="project_name=acme"):
        lake_project(lake)
    assert lake_identity(lake).project_name == "acme"  # which needs no settings
    with pytest.raises(ParameterError, match="none"):
        lake_project(lake, parameters="none.yaml")


def test_a_stage_on_a_lake_in_s3_records_the_source_that_it_was_given(aws_environment: LocalAws, item: str) -> None:
    bucket = unique("identity")
    aws_environment.client("s3").create_bucket(Bucket=bucket)
    uri = f"s3://{bucket}/lake"
    create_record(uri, ACME)
    given = {"lake_uri": uri, "project_name": "acme", "feature_spec_version": "v1", "parameters_path": item}
    with_lake_project(given)
    assert identity(uri) == replace(ACME, parameters={"source": item})
    put(item, time_zone="Europe/Berlin")  # what would be a mismatch now is a change of the settings
    found: LakeProject = with_lake_project(given)["lake_project"]
    assert found.settings.time_zone == "Europe/Berlin"


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage.is_step], ids=lambda stage: stage.command)
def test_every_stage_refuses_another_project_before_it_does_anything(stage: Any, lake: str, tmp_path: Path) -> None:
    main: click.Command = import_module(f"{stage.module}.cli").main
    options = ("--lake", lake, *OPTIONS.get(stage.command, WINDOW))
    code, output, error = call(main, *options, "--project-name", "local")
    assert (code, output) == (1, "")
    assert "is of project 'acme', but --project-name is 'local'" in error
    code, _, error = call(main, *options, "--feature-spec-version", "v2")
    assert (code, "--feature-spec-version is 'v2'" in error) == (1, True)
    assert sorted(tmp_path.rglob("*")) == [Path(lake), Path(lake) / FILE]


@pytest.mark.slow
def test_commands_without_options_work_for_the_project_of_the_lake(source: Path, tmp_path: Path) -> None:
    lake = shutil.copytree(source, tmp_path / "lake")
    for command in (infer, join):
        code, found, error = run(command, "--window", RANGE, "--lake", lake, "--engine", ENGINE)
        assert code == 0, error
        assert {name: found[name] for name in ("project_name", "feature_spec_version", "parameters")} == {
            "project_name": "acme", "feature_spec_version": "v1", "parameters": "lake"
        }  # fmt: skip
    joined = json.loads(call(report, "--lake", lake, "--json")[1])
    assert joined["alerts"]
    assert [json.loads(line)["status"] for line in call(models, "list", "--lake", lake)[1].splitlines()] == ["current"]
    assert call(feedback, "--lake", lake)[0] == 0
    labels = tmp_path / "labels.csv"
    labels.write_text(f"host_ip,window_start,attack\n10.20.0.3,{next(iter(RANGE)).start:%Y-%m-%dT%H:%M:%SZ},scan\n")
    assert call(evaluate, "--lake", lake, "--labels", labels)[0] == 0
    assert set(Lake(str(lake), SPEC).arrow("prediction_join")["project_name"].to_pylist()) == {"acme"}
    assert identity(lake) == ACME


def test_tools_refuse_another_project(source: Path) -> None:
    for command, options in ((models, ("list", "--project-name", "local")), (report, ("--feature-spec-version", "v2"))):
        code, _, error = call(command, *options, "--lake", source)
        assert (code, "but --" in error) == (1, True)


def test_a_terminal_is_told_in_one_line(lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        lake_project(lake)
    shown = os.read(master, 1000).decode()
    os.close(master)
    assert shown == "project acme, feature specification v1, settings of the lake\r\n"
