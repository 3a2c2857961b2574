"""A lake of format 1 is migrated once, whole, and with the results that it had."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import fs

from common.errors import LakeFormatError
from common.lake.lake import Lake
from common.lake.lake_format import FILE, LAKE_FORMAT, find_record
from common.lake.publications import MEMBERS, publications
from common.lake.publications import TABLE as PUBLICATIONS
from common.lake.window_status import SCORED, defects, read_statuses
from common.storage.filesystems import s3_filesystem
from common.windows import Windows
from jobs.fg_c.baselines import BaselineKey, load_baselines
from jobs.inference.cli import main as infer
from jobs.join.cli import main as join
from localaws.cli.process import LocalAws
from tests.commands import call, run
from tests.common.detection.model_lake import RANGE, make_lake, rows, train_model, write
from tests.common.lake.killing import Killed
from tests.conftest import ENGINE
from tests.factories import SPEC, table_row
from tests.lakes import published_key, published_rows, write_table
from tests.localaws.running import unique
from tests.tools.lake.formats import write_format_1, write_format_2
from tools.lake import job
from tools.lake.cli import main
from tools.lake.migration import MIGRATED, steps
from tools.report.cli import main as report

pytestmark = pytest.mark.slow

FIRST = next(iter(RANGE))
HOST = {"host_ip": "10.20.0.3", "segment_id": "10.20.0.0/24", "feature_spec_version": "v1", "baseline_month": "2026-03"}
MIGRATED_TABLES = (*MEMBERS, PUBLICATIONS, "predictions", "prediction_join", "window_status")
REWRITTEN = ("predictions", "prediction_join")
"""The tables of windows that the lake has besides features, which were partitioned by window."""


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of today: features, baselines of two horizons, a model, predictions, and joined predictions."""
    lake = make_lake(tmp_path_factory.mktemp("today") / "lake")
    for place, horizon in enumerate(("7d", "30d")):
        for name in (*MEMBERS, PUBLICATIONS):
            table = Lake(str(lake), SPEC).table(name)
            given: dict[str, Any] = {**HOST, "publication_id": f"2026-{horizon}", "baseline_horizon": horizon}
            given |= {"previous_publication_id": None, "sessions_cnt_median": 4.0 + place}
            given |= {"role": "outbound", "time_band": "working_hours", "window_label": "w_15m"}
            known = {key: value for key, value in given.items() if key in table.column_names}
            write_table(lake, name, [table_row(table, FIRST, **known)], mode="append" if place else "overwrite")
    train_model(lake)
    options = ("--window", RANGE, "--lake", lake, "--engine", ENGINE)
    for command in (infer, join):
        code, _, error = run(command, *options)
        assert code == 0, error
    return lake


@pytest.fixture(scope="module")
def before(today: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_format_1(shutil.copytree(today, tmp_path_factory.mktemp("before") / "lake"))


@pytest.fixture
def lake(before: Path, tmp_path: Path) -> Path:
    return shutil.copytree(before, tmp_path / "lake")


def migrate(lake: Path | str, *options: str) -> dict[str, Any]:
    code, output, error = call(main, "migrate", "--lake", lake, *options)
    assert code == 0, error
    return dict(json.loads(output))


def in_order(lake: str | Path, name: str) -> pa.Table:
    """The rows of a table that hold, without their publication and the notes of scores, in the order of its key."""
    opened = Lake(str(lake), SPEC)
    rows = published_rows(opened, name) if name.startswith("fg_b/") else opened.arrow(name)
    rows = rows.drop_columns([column for column in rows.column_names if column == "score_note"])
    return rows.sort_by([(column, "ascending") for column in published_key(name)])


def check_same(lake: str | Path, today: Path) -> None:
    """Checks that all that readers find in the lake is what they find in today's."""
    for name in (*MEMBERS, PUBLICATIONS, "predictions", "prediction_join"):
        assert in_order(lake, name).equals(in_order(today, name)), name
    found = Lake.opened(str(lake), SPEC)
    held = {window.key for window in RANGE}
    statuses = read_statuses(found)
    assert set(statuses) == held
    assert defects(statuses, held, SCORED) == {}


def test_every_stage_asks_for_the_migration_first(lake: Path) -> None:
    for command in (infer, join, report):
        code, _, error = call(command, "--window", RANGE, "--lake", lake)
        assert code == 1
        assert f"has format 1, but this release works with format 9. Run ndr-lake migrate --lake {lake}" in error


def test_a_migrated_lake_is_read_as_before(lake: Path, today: Path) -> None:
    done = migrate(lake)
    assert [step["table"] for step in done["steps"]] == [*MIGRATED_TABLES, *REWRITTEN]
    check_same(lake, today)
    old, new = (publications(Lake(str(place), SPEC), "v1") for place in (today, lake))
    assert {entry.publication_id for entry in new.values()} == {MIGRATED}
    for key, entry in old.items():
        loaded = [
            load_baselines(BaselineKey(str(place), found, ("working_hours",)))
            for place, found in ((today, entry), (lake, new[key]))
        ]
        assert loaded[0].rows == loaded[1].rows
        assert np.array_equal(loaded[0].medians, loaded[1].medians, equal_nan=True)


def test_stages_work_on_a_migrated_lake_with_equal_results(lake: Path, today: Path) -> None:
    migrate(lake)
    for command in (infer, join):
        code, _, error = run(command, "--window", RANGE, "--lake", lake, "--engine", ENGINE)
        assert code == 0, error
    check_same(lake, today)
    shown = [call(report, "--lake", place, "--top", "5", "--json")[1] for place in (lake, today)]
    assert shown[0] == shown[1]


def test_every_column_of_a_migrated_lake_says_what_it_means(lake: Path) -> None:
    migrate(lake)
    found = Lake(str(lake), SPEC)
    for name in filter(found.exists, found.names):
        stored = {field.name: field.metadata for field in found.delta(name).schema().fields}
        assert stored == {column.name: {"comment": column.comment} for column in found.table(name).columns}, name


def check_killed_migrations(lake: Path, today: Path, killed: range) -> None:
    """Kills the migration before each of these steps, and then lets it end."""
    for number in killed:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
            patch.setattr(job, "steps", lambda *given, number=number: killed_before(number, *given))
            call(main, "migrate", "--lake", lake)
        with pytest.raises(LakeFormatError):
            Lake.opened(str(lake), SPEC)
    migrate(lake)
    check_same(lake, today)


def killed_before(number: int, lake: Lake, found: int) -> Any:
    """The steps of the migration until that table is to be changed."""
    for step in steps(lake, found):
        if step.table in MIGRATED_TABLES[number:]:
            raise Killed
        yield step


def test_a_migration_killed_at_every_step_can_be_repeated(lake: Path, today: Path) -> None:
    check_killed_migrations(lake, today, range(len(MIGRATED_TABLES)))


def test_a_migration_killed_before_the_mark_has_nothing_left_but_the_mark(
    lake: Path, today: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(job, "replace_record", killed)
        call(main, "migrate", "--lake", lake)
    record = find_record(Lake(str(lake), SPEC))
    assert record is not None and record.lake_format == 1
    assert migrate(lake)["steps"] == []
    check_same(lake, today)


def test_a_dry_run_changes_nothing_and_a_second_run_does_nothing(lake: Path) -> None:
    files = sorted(path for path in lake.rglob("*") if path.is_file())
    planned = migrate(lake, "--dry-run")["steps"]
    assert sorted(path for path in lake.rglob("*") if path.is_file()) == files
    assert migrate(lake)["steps"] == planned
    again = migrate(lake)
    assert (again["from_format"], again["steps"]) == (LAKE_FORMAT, [])


def test_a_lake_in_s3_is_migrated(before: Path, today: Path, aws_environment: LocalAws) -> None:
    bucket = unique("migrate")
    aws_environment.client("s3").create_bucket(Bucket=bucket)
    uri = f"s3://{bucket}/lake"
    fs.copy_files(str(before), f"{bucket}/lake", fs.LocalFileSystem(), s3_filesystem())
    migrate(uri)
    check_same(uri, today)


def test_show_says_what_a_lake_holds(lake: Path) -> None:
    migrate(lake)
    write(lake, Lake(str(lake), SPEC).table("fg_a"), rows("fg_a", FIRST, 1))
    later = Windows.parse("2026-03-11T00:08Z")
    with Lake(str(lake), SPEC).journal.run("delta", later, "hq.csv.gz is damaged"):
        pass
    code, output, error = call(main, "show", "--lake", lake)
    assert code == 0, error
    shown = json.loads(output)
    assert shown["lake_format"] == LAKE_FORMAT
    assert shown["tables"]["fg_b/host"]["rows"] == 2
    assert shown["not_whole"] == {"count": 1, "last": {later.key: "fg_a has not run"}}
    assert shown["incomplete"] == {"count": 1, "last": {later.key: "hq.csv.gz is damaged"}}


def identity(lake: Path) -> dict[str, Any]:
    found = json.loads((lake / FILE).read_text())
    del found["lake_format"]
    return dict(found)


def test_a_lake_of_format_2_gets_an_identity_and_keeps_its_rows(today: Path, tmp_path: Path) -> None:
    lake = write_format_2(shutil.copytree(today, tmp_path / "lake"))
    code, _, error = call(report, "--lake", lake)
    assert code == 1
    assert f"has format 2, but this release works with format 9. Run ndr-lake migrate --lake {lake}" in error
    planned = migrate(lake, "--dry-run")
    assert json.loads((lake / FILE).read_text()) == {"lake_format": 2}
    done = migrate(lake)
    assert (done["from_format"], done["to_format"]) == (2, LAKE_FORMAT)
    assert [step["table"] for step in done["steps"]] == [*REWRITTEN]
    assert done["chosen"] == planned["chosen"]
    check_same(lake, today)
    assert call(report, "--lake", lake)[0] == 0


@pytest.mark.parametrize("write_before", [write_format_1, write_format_2])
def test_the_project_is_the_one_whose_models_and_predictions_the_lake_holds(
    write_before: Callable[[Path], Path], today: Path, tmp_path: Path
) -> None:
    lake = write_before(shutil.copytree(today, tmp_path / "lake"))
    shutil.rmtree(lake / "prediction_join")
    (lake / "models" / "local").rename(lake / "models" / "acme")
    assert "project acme: its models" in migrate(lake)["chosen"]
    expected = {"project_name": "acme", "feature_spec_version": "v1", "parameters": {"settings": {}}}
    assert identity(lake) == expected


def test_joined_predictions_name_the_project_too(today: Path, tmp_path: Path) -> None:
    lake = shutil.copytree(today, tmp_path / "lake")
    shutil.rmtree(lake / "models")
    rows = Lake(str(lake), SPEC).arrow("prediction_join")
    column = rows.schema.get_field_index("project_name")
    write_table(lake, "prediction_join", rows.set_column(column, "project_name", pa.array(["acme"] * len(rows))))
    assert migrate(write_format_2(lake))["identity"]["project_name"] == "acme"


def test_a_lake_of_two_projects_is_migrated_only_for_one_that_is_named(today: Path, tmp_path: Path) -> None:
    lake = write_format_2(shutil.copytree(today, tmp_path / "lake"))
    shutil.copytree(lake / "models" / "local", lake / "models" / "acme")
    code, _, error = call(main, "migrate", "--lake", lake)
    assert code == 1
    assert "projects acme, local. A lake is of one project: name it with --project-name" in error
    settings = tmp_path / "project.yaml"
    settings.write_text("time_zone: Asia/Tokyo\n")
    migrate(lake, "--project-name", "acme", "--parameters", str(settings))
    assert identity(lake)["project_name"] == "acme"
    assert identity(lake)["parameters"] == {"settings": {"time_zone": "Asia/Tokyo"}}


def test_a_lake_without_models_and_predictions_becomes_local(tmp_path: Path) -> None:
    write_table(tmp_path, "fg_a", [table_row(Lake(str(tmp_path), SPEC).table("fg_a"), FIRST, **HOST)])
    (tmp_path / FILE).unlink()
    assert "project local: the default; parameters: the defaults" in migrate(tmp_path)["chosen"]


def test_a_migrated_lake_refuses_another_project(lake: Path) -> None:
    migrate(lake)
    code, _, error = call(main, "migrate", "--lake", lake, "--project-name", "other")
    assert (code, "is of project 'local', but --project-name is 'other'" in error) == (1, True)


def test_a_folder_without_tables_and_a_newer_lake_are_errors(tmp_path: Path) -> None:
    code, _, error = call(main, "show", "--lake", tmp_path)
    assert (code, "has no tables" in error) == (1, True)
    (tmp_path / FILE).write_text('{"lake_format": 99}')
    code, _, error = call(main, "migrate", "--lake", tmp_path)
    assert (code, "knows format 9. Upgrade the package" in error) == (1, True)
