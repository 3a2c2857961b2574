"""A lake of format 5, whose keys were partitioned by window and arrival, keeps them, and counts no record twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyarrow import fs

from common.errors import LakeFormatError
from common.lake.lake import Lake
from common.lake.lake_format import FILE
from common.storage.filesystems import s3_filesystem
from localaws.cli.process import LocalAws
from tests.commands import call
from tests.common.lake.killing import Killed
from tests.conftest import Stages
from tests.factories import SPEC
from tests.jobs.delta.deliveries import Delivery, deliver_all, record, rows_of, window
from tests.localaws.running import unique
from tests.oracle.compare import assert_tables_equal
from tests.tools.lake.formats import OF_KEYS, write_format_5
from tests.tools.lake.test_migration import migrate
from tools.lake import job
from tools.lake.cli import main

pytestmark = pytest.mark.slow

KEYS = "session_keys"
OWN, LATE = rows_of(0, 6), record(40, window(1).end)


@pytest.fixture
def lake(stages: Stages, tmp_path: Path) -> Path:
    """Two windows; the first one has a late record too."""
    first, second = Delivery(0, "a", (*OWN, LATE)), Delivery(2, "c", tuple(rows_of(2, 3, 20)))
    for one, path in deliver_all(tmp_path / "in", [first, second]).items():
        stages.delta(str(window(one.window)), path)
    return write_format_5(stages.folder)


def keys(uri: str | Path) -> Any:
    return Lake(str(uri), SPEC).arrow(KEYS)


def partitions(lake: Path) -> list[str]:
    return list(DeltaTable(lake / KEYS).metadata().partition_columns)


def test_keys_and_digests_stay_and_records_that_come_again_are_known(
    lake: Path, stages: Stages, tmp_path: Path
) -> None:
    before, digests = keys(lake), stages.lake.digests(KEYS, "date")
    assert (partitions(lake), len(before)) == (OF_KEYS, 10)
    with pytest.raises(LakeFormatError, match="has format 5, but this release works with format 9"):
        Lake.opened(str(lake), SPEC)
    planned = migrate(lake, "--dry-run")
    assert partitions(lake) == OF_KEYS
    done = migrate(lake)
    assert (done["from_format"], done["to_format"], done["steps"]) == (5, 9, planned["steps"])
    assert [step["table"] for step in done["steps"]] == [KEYS]
    assert partitions(lake) == ["date"]
    assert_tables_equal(keys(lake), before, ("key_high", "key_low"))
    assert stages.lake.digests(KEYS, "date") == digests
    assert stages.lake.files(KEYS).num_rows == 1
    assert migrate(lake)["steps"] == []
    again = Delivery(1, "b", (*OWN[:4], LATE, *rows_of(1, 2, 30)))
    report = stages.delta(str(window(1)), *deliver_all(tmp_path / "again", [again]).values())
    assert report.details["other_windows"] == {"with_keys": [window(0).key, window(2).key], "duplicates": 5}


@pytest.mark.parametrize(("owner", "step"), [(Lake, "begin_anew"), (job, "replace_record")])
def test_a_migration_that_is_killed_is_repeated(
    lake: Path, owner: object, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys(lake)

    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(owner, step, dies)
        call(main, "migrate", "--lake", lake)
    assert '"lake_format": 5' in (lake / FILE).read_text()
    assert_tables_equal(keys(lake), before, ("key_high", "key_low"))
    assert len(migrate(lake)["steps"]) == (1 if step == "begin_anew" else 0)
    assert_tables_equal(keys(lake), before, ("key_high", "key_low"))
    Lake.opened(str(lake), SPEC)


@pytest.mark.slow
def test_a_lake_in_s3_is_migrated(lake: Path, aws_environment: LocalAws) -> None:
    bucket, before = unique("keys"), keys(lake)
    aws_environment.client("s3").create_bucket(Bucket=bucket)
    fs.copy_files(str(lake), f"{bucket}/lake", fs.LocalFileSystem(), s3_filesystem())
    assert [step["table"] for step in migrate(f"s3://{bucket}/lake")["steps"]] == [KEYS]
    assert_tables_equal(keys(f"s3://{bucket}/lake"), before, ("key_high", "key_low"))
