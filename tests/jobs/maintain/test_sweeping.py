"""Files and logs that nobody needs are deleted after their time, and nothing else is."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from common.detection.registry.pointer import POINTER, SUCCESS
from common.errors import InputError, StageError
from common.lake.lake import Lake
from tests.factories import SPEC, pair_counts_row, table_row
from tests.jobs.maintain.lakes import WINDOWS, maintain, small_files
from tests.lakes import write_table

WEEK = 7 * 24 * 3600
MODELS_DAYS = 400


def aged(path: Path, seconds: float) -> Path:
    moment = time.time() - seconds
    os.utime(path, (moment, moment))
    return path


def age_log(table: Path, seconds: float) -> None:
    """Makes all commits of the table older: the times in them too, which tell when a file was removed."""
    log = table / "_delta_log"
    for checkpoint in log.glob("*.checkpoint.parquet"):
        aged(checkpoint, seconds)
    for commit in log.glob("*.json"):
        actions = [json.loads(line) for line in commit.read_text().splitlines()]
        for action in actions:
            for value, key in ((action.get("remove"), "deletionTimestamp"), (action.get("commitInfo"), "timestamp")):
                if value:
                    value[key] -= int(seconds * 1000)
        commit.write_text("".join(json.dumps(action) + "\n" for action in actions))
        aged(commit, seconds)


@pytest.mark.parametrize(("seconds", "left"), [(WEEK + 60, 1), (WEEK - 60, 2)])
def test_files_that_a_commit_removed_are_deleted_after_a_week(tmp_path: Path, seconds: float, left: int) -> None:
    for count in (1, 2):
        write_table(tmp_path, "pair_counts", [pair_counts_row(str(WINDOWS[0]), sessions_cnt=count)])
    age_log(tmp_path / "pair_counts", seconds)
    for path in (tmp_path / "pair_counts").rglob("part-*.parquet"):
        aged(path, seconds)
    maintain(tmp_path)
    assert len(list((tmp_path / "pair_counts").rglob("part-*.parquet"))) == left
    assert Lake(str(tmp_path), SPEC).arrow("pair_counts", ["sessions_cnt"]).to_pylist() == [{"sessions_cnt": 2}]


def test_files_that_no_commit_ever_named_are_deleted_after_a_week(tmp_path: Path) -> None:
    write_table(tmp_path, "pair_counts", [pair_counts_row(str(WINDOWS[0]))])
    folder = next((tmp_path / "pair_counts").rglob("part-*.parquet")).parent
    for name, seconds in (("old", WEEK + 60), ("new", WEEK - 60)):
        (folder / f"{name}.parquet").write_bytes(b"PAR1")
        aged(folder / f"{name}.parquet", seconds)
    dry = maintain(tmp_path, dry_run=True).details["tables"]["pair_counts"]
    assert dry["deleted"] == {"files": 1, "bytes": 4}
    assert maintain(tmp_path).details["tables"]["pair_counts"] == dry
    assert (folder / "new.parquet").exists()
    assert not (folder / "old.parquet").exists()
    assert Lake(str(tmp_path), SPEC).count("pair_counts") == 1


def test_a_checkpoint_spares_readers_the_commits(tmp_path: Path) -> None:
    small_files(tmp_path, "pair_counts", WINDOWS[:1])
    assert maintain(tmp_path).details["tables"]["pair_counts"]["commits_since_checkpoint"] == 3
    log = tmp_path / "pair_counts" / "_delta_log"
    assert json.loads((log / "_last_checkpoint").read_text())["version"] == 3
    for commit in log.glob("*.json"):
        commit.unlink()
    assert Lake(str(tmp_path), SPEC).count("pair_counts") == 3


def test_commits_of_the_last_thirty_days_stay(tmp_path: Path) -> None:
    """Of the commits 0 to 3, which end in a checkpoint, none is needed once that is 30 days old."""
    small_files(tmp_path, "pair_counts", WINDOWS[:1])
    maintain(tmp_path)
    age_log(tmp_path / "pair_counts", 31 * 24 * 3600)
    small_files(tmp_path, "pair_counts", WINDOWS[1:])
    assert Lake(str(tmp_path), SPEC).version("pair_counts") == 9
    maintain(tmp_path)
    left = sorted(int(path.stem) for path in (tmp_path / "pair_counts" / "_delta_log").glob("*.json"))
    assert left == list(range(3, 11))
    assert Lake(str(tmp_path), SPEC).count("pair_counts") == 9


def test_joins_that_nobody_published_for_a_week_are_removed(tmp_path: Path) -> None:
    write_table(tmp_path, "pair_counts", [])
    staged = tmp_path / "_staged" / "prediction_join"
    staged.mkdir(parents=True)
    for name, days in (("old", 8), ("new", 6)):
        (staged / f"{name}.parquet").write_bytes(b"PAR1")
        aged(staged / f"{name}.parquet", days * 24 * 3600)
    now = datetime.now(UTC)
    assert maintain(tmp_path, now, dry_run=True).details["staging"] == {"files": 1, "bytes": 4}
    assert maintain(tmp_path, now).details["staging"] == {"files": 1, "bytes": 4}
    assert [path.name for path in staged.iterdir()] == ["new.parquet"]


def model(lake: Path, run_id: str, days: float) -> None:
    folder = lake / "models" / "local" / run_id
    folder.mkdir(parents=True)
    for name in (SUCCESS, "manifest.json"):
        (folder / name).write_text("{}")
        aged(folder / name, days * 24 * 3600)


def test_old_models_go_but_those_that_are_current_were_or_have_predictions(tmp_path: Path) -> None:
    rows = table_row(Lake(str(tmp_path), SPEC).table("predictions"), WINDOWS[0], model_id="if-scored")
    write_table(tmp_path, "predictions", [rows])
    for run_id in ("if-current", "if-before", "if-scored", "if-unneeded"):
        model(tmp_path, run_id, MODELS_DAYS + 1)
    model(tmp_path, "if-young", MODELS_DAYS - 1)
    pointer = {"run_id": "if-current", "previous": [{"run_id": "if-before"}]}
    (tmp_path / "models" / "local" / POINTER).write_text(json.dumps(pointer))
    now = datetime.now(UTC)
    expected = {"runs": ["if-unneeded"], "files": 2, "bytes": 4}
    assert maintain(tmp_path, now, dry_run=True).details["models"] == expected
    assert maintain(tmp_path, now).details["models"] == expected
    left = {path.parent.name for path in (tmp_path / "models" / "local").glob("*/*")}
    assert left == {"if-current", "if-before", "if-scored", "if-young"}


@pytest.mark.parametrize("damage", ["log", "file", "no file"])
def test_a_damaged_table_does_not_keep_the_others_from_their_upkeep(tmp_path: Path, damage: str) -> None:
    small_files(tmp_path, "delta_pair")
    small_files(tmp_path, "pair_counts")
    table = tmp_path / "delta_pair"
    place = table / "_delta_log" / f"{3:020d}.json" if damage == "log" else next(table.rglob("*.parquet"))
    place.unlink()
    if damage != "no file":
        place.write_text("{ not json\n")
    with pytest.raises(StageError, match="1 of 2 tables could not be kept up; the first: table delta_pair"):
        maintain(tmp_path)
    assert len(Lake(str(tmp_path), SPEC).files("pair_counts")) == 1


def test_a_table_that_does_not_exist_is_named(tmp_path: Path) -> None:
    write_table(tmp_path, "pair_counts", [])
    with pytest.raises(InputError, match="'fg_aa' is no table of a lake"):
        maintain(tmp_path, tables=("fg_aa",))


def test_a_lake_without_tables_has_nothing_to_be_kept_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = tmp_path / "lake"
    assert maintain(lake).details == {"dry_run": False, "tables": {}}
    assert f"{lake} has no tables yet: there is nothing to keep up" in capsys.readouterr().err
    assert not lake.exists()


def test_a_table_without_rows_is_kept_up_too(tmp_path: Path) -> None:
    write_table(tmp_path, "fg_a", [])
    assert maintain(tmp_path).details["tables"]["fg_a"] == {"commits_since_checkpoint": 1}
