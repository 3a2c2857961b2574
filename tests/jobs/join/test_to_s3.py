"""Joined predictions in S3: what readers of the manifest see, and when."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.errors import StorageError
from common.storage.files import Folder
from jobs.join.to_s3 import publish_to_s3
from localaws.cli.process import LocalAws
from tests.jobs.join.published import FIRST, SECOND, TABLE, WINDOWS, joined

pytestmark = pytest.mark.slow

BUCKET = "join-published"
PLACES = ["date=2026-03-10/window=20260310T2338Z", "date=2026-03-10/window=20260310T2353Z"]


@pytest.fixture
def prefix(aws_environment: LocalAws, request: pytest.FixtureRequest) -> str:
    aws_environment.client("s3").create_bucket(Bucket=BUCKET)
    return f"s3://{BUCKET}/{hashlib.sha256(request.node.name.encode()).hexdigest()[:8]}"


def names(folder: Folder) -> set[str]:
    return {entry.name for entry in folder.list()}


def manifest(folder: Folder) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(folder.read("manifest.json"))
    return found


def read(folder: Folder) -> pa.Table:
    """The rows of a window, as a reader of the manifest finds them."""
    entries = manifest(folder)["entries"]
    contents = [folder.read(entry["url"].removeprefix(f"{folder.uri}/")) for entry in entries]
    for entry, content in zip(entries, contents, strict=True):
        assert len(content) == entry["meta"]["content_length"]
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    found = pa.concat_tables([pq.read_table(io.BytesIO(content)) for content in contents])
    assert found.num_rows == manifest(folder)["meta"]["record_count"]
    return found


def test_each_window_has_its_rows_a_manifest_and_a_mark(prefix: str) -> None:
    rows = pa.concat_tables([joined(0.25, 0.5), joined(0.75, window=SECOND)])
    assert publish_to_s3(prefix, rows, WINDOWS) == {FIRST.key: 2, SECOND.key: 1}
    first, second = (Folder(f"{prefix}/{place}") for place in PLACES)
    found = read(first)
    assert found.column_names == [name for name in TABLE.column_names if name not in ("date", "window")]
    assert found["host_ip"].to_pylist() == ["10.0.0.0", "10.0.0.1"]
    assert found["window_start_ts"][0].as_py() == datetime(2026, 3, 10, 23, 38)
    assert read(second)["anomaly_score"].to_pylist() == [0.75]
    digest = hashlib.sha256(first.read("manifest.json")).hexdigest()
    assert first.read("_SUCCESS").decode() == f"{digest}\n"


def test_the_same_rows_give_the_same_files(prefix: str) -> None:
    folder = Folder(f"{prefix}/{PLACES[0]}")
    publish_to_s3(prefix, joined(0.25, 0.5), FIRST)
    before = {name: folder.read(name) for name in names(folder)}
    publish_to_s3(prefix, joined(0.25, 0.5), FIRST)
    assert {name: folder.read(name) for name in names(folder)} == before


def test_readers_of_the_manifest_before_can_finish(prefix: str) -> None:
    folder = Folder(f"{prefix}/{PLACES[0]}")
    held = []
    for score in (0.1, 0.2, 0.3):
        publish_to_s3(prefix, joined(score), FIRST)
        held.append(manifest(folder)["entries"][0]["url"].rpartition("/")[2])
        assert read(folder)["anomaly_score"].to_pylist() == [score]
    assert names(folder) == {*held[1:], "manifest.json", "_SUCCESS"}


def test_a_publication_that_dies_before_the_manifest_changes_nothing(
    prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(f"{prefix}/{PLACES[0]}")
    publish_to_s3(prefix, joined(0.25), FIRST)
    write = Folder.write

    def dies_at_the_manifest(self: Folder, name: str, content: bytes) -> None:
        if name == "manifest.json":
            raise StorageError("the connection is gone", "Try again")
        write(self, name, content)

    with monkeypatch.context() as patch, pytest.raises(StorageError):
        patch.setattr(Folder, "write", dies_at_the_manifest)
        publish_to_s3(prefix, joined(0.5), FIRST)
    assert read(folder)["anomaly_score"].to_pylist() == [0.25]
    publish_to_s3(prefix, joined(0.75), FIRST)
    assert read(folder)["anomaly_score"].to_pylist() == [0.75]
    assert len(names(folder)) == 4  # the rows now and before, the manifest and the mark


def test_a_window_that_lost_all_rows_is_published_empty(prefix: str) -> None:
    publish_to_s3(prefix, joined(0.25), FIRST)
    assert publish_to_s3(prefix, joined(0.5, window=SECOND), WINDOWS) == {FIRST.key: 0, SECOND.key: 1}
    assert manifest(Folder(f"{prefix}/{PLACES[0]}")) == {"entries": [], "meta": {"record_count": 0}}


def test_a_window_without_rows_that_never_was_published_is_left_out(prefix: str) -> None:
    assert publish_to_s3(prefix, joined(0.5, window=SECOND), WINDOWS) == {SECOND.key: 1}
    assert not Folder(f"{prefix}/{PLACES[0]}").list()


def test_a_damaged_manifest_is_replaced(prefix: str) -> None:
    folder = Folder(f"{prefix}/{PLACES[0]}")
    folder.write("manifest.json", b"{")
    publish_to_s3(prefix, joined(0.25), FIRST)
    assert read(folder).num_rows == 1
