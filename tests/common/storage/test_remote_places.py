"""Temporary folders in S3: the heartbeat, who counts as gone, and what is removed."""

from __future__ import annotations

import time

import pytest
from pyarrow import fs

from common.storage import remote_places as places
from common.storage.filesystems import subtree
from localaws.cli.process import LocalAws
from tests.localaws.running import unique, wait_for


@pytest.fixture
def lake(aws_environment: LocalAws) -> str:
    bucket = unique("places")
    aws_environment.client("s3").create_bucket(Bucket=bucket)
    return f"s3://{bucket}/some/lake"


def names(lake: str) -> list[str]:
    files = subtree(lake)
    return sorted(info.path for info in files.get_file_info(fs.FileSelector("", True, True)) if info.is_file)


def test_a_place_lives_until_it_has_been_silent_too_long(lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with places.remote_place(lake, "fg_a") as name:
        ((own,), gone) = places.remote_places(lake)
        assert (own.name, own.purpose, gone) == (name, "fg_a", [])
        monkeypatch.setattr(places, "DEAD_AFTER_SECONDS", 0.5)
        time.sleep(2.1)  # S3 counts in seconds
        (living, (dead,)) = places.remote_places(lake)
        assert (living, dead.name) == ([], name)
        dead.remove()
        assert names(lake) == []


def test_the_heart_beats_until_the_end(lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "HEARTBEAT_SECONDS", 0.1)
    with places.remote_place(lake) as name:
        assert wait_for(lambda: f"{name}/{places.ALIVE}" in names(lake))
    assert names(lake) == []


@pytest.mark.slow
def test_what_earlier_releases_left_has_no_heart_and_gets_a_day(lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = subtree(lake)
    for name in ("_staging-77aa", "_scratch-0510"):
        with files.open_output_stream(f"{name}/0000/part.parquet") as stream:
            stream.write(b"x")
    assert len(places.remote_places(lake)[0]) == 2
    monkeypatch.setattr(places, "OUTDATED_SECONDS", -1.0)
    (living, gone) = places.remote_places(lake)
    assert living == [] and {place.name for place in gone} == {"_staging-77aa", "_scratch-0510"}


def test_a_missing_bucket_is_not_an_empty_lake(aws_environment: LocalAws) -> None:
    with pytest.raises(OSError, match="NoSuchBucket"):
        places.remote_places(f"s3://{unique('none')}/lake")
