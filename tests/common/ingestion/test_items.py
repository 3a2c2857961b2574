"""Items of the tracking table, typed, and the manifest document."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from common.errors import InputError
from common.ingestion.document import Manifest, SourceFile, manifest_json, read_manifest
from common.ingestion.items import ManifestRecord, TrackedFile
from common.ingestion.states import FILE_STEPS, MANIFEST_STEPS, FileState, ManifestState, files_before

NOON = "2026-03-10T12:00:00.000000Z"
FILE = TrackedFile(
    "2026-03-10", "a b.ndjson#0123456789abcdef", "a b.ndjson", "landing", "x/a b.ndjson", "e1", 3_670_016,
    FileState.PENDING, NOON, NOON, version_id="v1",
)  # fmt: skip
RECORD = ManifestRecord(
    "2026-03-10", "0123456789abcdef0123", ManifestState.CLAIMING, "token", (FILE.file_key,), 3_670_016,
    "s3://manifests/manifests/2026-03-10/0123456789abcdef0123.json", NOON, NOON,
)  # fmt: skip


def test_a_pending_file_is_in_the_index() -> None:
    item = FILE.to_item()
    assert item == {
        "kind": "file",
        "date_prefix": "2026-03-10",
        "file_key": "a b.ndjson#0123456789abcdef",
        "file_name": "a b.ndjson",
        "bucket": "landing",
        "object_key": "x/a b.ndjson",
        "etag": "e1",
        "version_id": "v1",
        "file_path": "s3://landing/x/a b.ndjson",
        "file_size": 3_670_016,
        "file_size_mb": 3.5,
        "status": "pending",
        "created_at": NOON,
        "updated_at": NOON,
        "pending_shard": "files#7",  # 0x...f modulo 8
        "pending_order": f"2026-03-10#{NOON}#a b.ndjson#0123456789abcdef",
    }
    assert TrackedFile.from_item(item) == FILE


@pytest.mark.parametrize("changes", [{"manifest_id": "m"}, {"status": FileState.QUARANTINED}])
def test_a_claimed_or_quarantined_file_is_not(changes: dict[str, str]) -> None:
    file = replace(FILE, **changes)  # type: ignore[arg-type]
    assert "pending_shard" not in file.to_item() and TrackedFile.from_item(file.to_item()) == file


def test_a_manifest_is_in_the_index_until_it_has_ended() -> None:
    item = RECORD.to_item()
    assert item["file_key"] == "MANIFEST#0123456789abcdef0123" and item["file_keys"] == [FILE.file_key]
    assert (item["pending_shard"], item["file_count"], item["parts"], item["attempt"]) == ("manifests#0", 1, 1, 1)
    assert ManifestRecord.from_item({**item, "unknown": "x"}) == RECORD
    assert "pending_shard" not in replace(RECORD, status=ManifestState.FAILED).to_item()


@pytest.mark.parametrize(("size", "parts"), [(0, 1), (1, 1), (134_217_728, 1), (134_217_729, 2), (1 << 31, 16)])
def test_a_part_is_made_for_each_128_mebibytes_begun(size: int, parts: int) -> None:
    assert replace(RECORD, bytes=size).parts == parts


def test_states_follow_as_the_chart_says() -> None:
    assert FILE_STEPS.keys() == set(FileState) and MANIFEST_STEPS.keys() == set(ManifestState)
    assert files_before(FileState.FAILED) == (FileState.MANIFESTED, FileState.PROCESSING)
    assert not FILE_STEPS[FileState.COMPLETED] and not MANIFEST_STEPS[ManifestState.COMPLETED]
    assert [state for state in ManifestState if state.has_ended] == ["completed", "failed"]


def test_a_document_holds_the_files_of_its_manifest() -> None:
    other = replace(FILE, file_key="a#1", object_key="a", version_id=None, file_size=0)
    content = manifest_json(RECORD, [FILE, other])
    assert content == manifest_json(RECORD, [other, FILE])
    assert json.loads(content)["fileLocations"] == [{"URIPrefixes": ["s3://landing/x/a b.ndjson", "s3://landing/a"]}]
    assert read_manifest(content, "place") == Manifest(
        (
            SourceFile("s3://landing/x/a b.ndjson", "landing", "x/a b.ndjson", "v1", "e1", 3_670_016),
            SourceFile("s3://landing/a", "landing", "a", None, "e1", 0),
        ),
        RECORD.id,
        "2026-03-10",
        NOON,
        1,
    )


def test_a_foreign_document_has_addresses_alone() -> None:
    content = b'{"fileLocations": [{"URIPrefixes": ["s3://b/x/y"]}, {"URIPrefixes": []}], "globalUploadSettings": {}}'
    assert read_manifest(content, "place") == Manifest((SourceFile("s3://b/x/y", "b", "x/y"),))


def test_a_foreign_document_may_name_local_files() -> None:
    content = b'{"fileLocations": [{"URIPrefixes": ["/a/b c", "file:///d%20e"]}]}'
    assert read_manifest(content, "place").files == (SourceFile("/a/b c"), SourceFile("/d e"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"files": [{}], "format": 1}',
        b'{"files": []}',
        b'{"fileLocations": [{"URIPrefixes": ["a/b"]}]}',
    ],
)
def test_what_is_no_manifest_is_named(content: bytes) -> None:
    with pytest.raises(InputError, match="s3://m/x is not a manifest"):
        read_manifest(content, "s3://m/x")


def test_a_document_of_a_later_release_is_refused() -> None:
    with pytest.raises(InputError, match="format 2, not 1"):
        read_manifest(b'{"format": 2, "files": []}', "x")
