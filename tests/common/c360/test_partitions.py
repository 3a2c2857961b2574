"""Partitions of the clean zone: what their readers see, and when."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from common.c360 import partitions
from common.c360.manifest import ParquetFile
from common.c360.partitions import CleanSource, Partition, partition_days, publish, read_partition
from common.errors import InputError
from common.storage.files import Folder

DAY = date(2025, 1, 2)
PLACE = "plans/load_date=2025-01-02"


def partition(*names: str) -> Partition:
    source = CleanSource("2025-01-02/plans.csv.0123456789abcdef", 90, "2025-01-03T00:00:00+00:00", 3, 2, 1)
    return Partition("plans", DAY, tuple(ParquetFile(name, 2, 5, "ab") for name in names), (source,), "run-1")


def put(clean: Folder, *names: str) -> None:
    for name in names:
        clean.write(f"{PLACE}/{name}", b"12345")


def files(clean: Folder) -> list[str]:
    return [entry.name.removeprefix(f"{PLACE}/") for entry in clean.list()]


def test_what_was_published_is_read(tmp_path: Path) -> None:
    clean = Folder(str(tmp_path))
    put(clean, "a.parquet", "b.parquet")
    publish(clean, partition("a.parquet", "b.parquet"))
    found = read_partition(clean, "plans", DAY)
    assert found == partition("a.parquet", "b.parquet")
    assert found is not None and found.rows == 4
    assert found.names == (f"{PLACE}/a.parquet", f"{PLACE}/b.parquet")
    assert partition_days(clean, "plans") == [DAY]


def test_no_partition_is_none(tmp_path: Path) -> None:
    clean = Folder(str(tmp_path))
    put(clean, "a.parquet")  # of a run that was killed before its manifest
    assert read_partition(clean, "plans", DAY) is None
    assert partition_days(clean, "plans") == partition_days(clean, "customers") == []


def test_what_the_manifest_does_not_name_is_removed(tmp_path: Path) -> None:
    clean = Folder(str(tmp_path))
    put(clean, "old.parquet", "kept.parquet")
    publish(clean, partition("old.parquet", "kept.parquet"))
    put(clean, "new.parquet", "left-by-the-dead.parquet")
    clean.write("plans/load_date=2025-01-03/old.parquet", b"")
    publish(clean, partition("kept.parquet", "new.parquet"))
    assert files(clean) == ["kept.parquet", "manifest.json", "new.parquet", "plans/load_date=2025-01-03/old.parquet"]


def test_killed_before_the_manifest_the_old_partition_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = Folder(str(tmp_path))
    put(clean, "old.parquet")
    publish(clean, partition("old.parquet"))
    put(clean, "new.parquet")
    monkeypatch.setattr(Folder, "write", _killed)
    with pytest.raises(KeyboardInterrupt):
        publish(clean, partition("new.parquet"))
    assert read_partition(clean, "plans", DAY) == partition("old.parquet")
    assert files(clean) == ["manifest.json", "new.parquet", "old.parquet"]


def test_killed_after_the_manifest_the_new_partition_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = Folder(str(tmp_path))
    put(clean, "old.parquet")
    publish(clean, partition("old.parquet"))
    put(clean, "new.parquet")
    with monkeypatch.context() as patched:
        patched.setattr(Folder, "delete", _killed)
        with pytest.raises(KeyboardInterrupt):
            publish(clean, partition("new.parquet"))
    assert read_partition(clean, "plans", DAY) == partition("new.parquet")
    publish(clean, partition("new.parquet"))
    assert files(clean) == ["manifest.json", "new.parquet"]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"[]", "is no manifest of a partition"), (b'{"format": 2}', "has format 2"), (b'{"format": 1}', "KeyError")],
)
def test_a_manifest_that_is_none_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    clean = Folder(str(tmp_path))
    clean.write(f"{PLACE}/{partitions.NAME}", content)
    with pytest.raises(InputError, match=message) as error:
        read_partition(clean, "plans", DAY)
    assert f"{tmp_path}/{PLACE}/manifest.json" in str(error.value)


def test_a_field_that_nobody_knows_is_named(tmp_path: Path) -> None:
    clean = Folder(str(tmp_path))
    publish(clean, partition())
    document = json.loads(clean.read(f"{PLACE}/manifest.json"))
    document["sources"][0]["more"] = 1
    clean.write(f"{PLACE}/manifest.json", json.dumps(document).encode())
    with pytest.raises(InputError, match="more"):
        read_partition(clean, "plans", DAY)
