"""Manifests, files and outputs in S3."""

from __future__ import annotations

import io
import json
import random
from typing import Any

import pyarrow.parquet as pq
import pytest

from common.ingestion.document import SourceFile
from common.ndjson import spans
from common.ndjson.sources import SourceGoneError, opened
from jobs.ndjson_to_parquet import uploads
from jobs.ndjson_to_parquet.cli import main
from tests.commands import call

pytestmark = pytest.mark.slow

MERGED = "merged-parquet-2026-03-09"


def put(s3: Any, key: str, content: bytes) -> dict[str, Any]:
    """The entry of a manifest of an object that was put."""
    answer = s3.put_object(Bucket="landing", Key=key, Body=content)
    return {
        "uri": f"s3://landing/{key}", "bucket": "landing", "key": key, "etag": answer["ETag"].strip('"'),
        "version_id": answer["VersionId"], "size": len(content),
    }  # fmt: skip


def manifest(s3: Any, *files: dict[str, Any], parts: int = 1) -> None:
    document = {"format": 1, "id": "m1", "date_prefix": "2026-03-09", "parts": parts, "files": files}
    s3.put_object(Bucket="manifests", Key="manifests/2026-03-09/m1.json", Body=json.dumps(document).encode())


def convert(*arguments: object) -> tuple[int, dict[str, Any], str]:
    """Runs the job with the arguments of the state machine."""
    code, output, error = call(
        main, "--JOB_NAME", "job", "--driver", "processes", "--MANIFEST_PATH", "manifests/2026-03-09/m1.json",
        "--MANIFEST_BUCKET", "manifests", "--OUTPUT_BUCKET", "parquet", "--processes", "1", *map(str, arguments),
    )  # fmt: skip
    return code, json.loads(output) if code == 0 else {}, error


def keys(s3: Any) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket="parquet").get("Contents", ())]


def numbers(s3: Any) -> list[str]:
    """The values of the column `n` of all Parquet objects."""
    found = (key for key in keys(s3) if key.startswith(MERGED))
    bodies = (s3.get_object(Bucket="parquet", Key=key)["Body"].read() for key in found)
    return [value for body in bodies for value in pq.read_table(io.BytesIO(body))["n"].to_pylist()]


def test_objects_become_objects(s3: Any) -> None:
    manifest(s3, put(s3, "a b/é.ndjson", b'{"n":1}\n'), put(s3, "c.ndjson", b'{"n":2}\n'), parts=2)
    assert convert()[0] == 0
    assert keys(s3) == [
        f"{MERGED}/m1-00001-of-00002.parquet", f"{MERGED}/m1-00002-of-00002.parquet", "rejects-2026-03-09/m1.ndjson",
    ]  # fmt: skip
    assert numbers(s3) == ["1", "2"]
    assert s3.list_multipart_uploads(Bucket="parquet").get("Uploads", []) == []
    assert convert()[0] == 0
    assert numbers(s3) == ["1", "2"]


def test_a_large_upload_has_several_pieces(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "CHUNK_BYTES", 5 * 1024 * 1024)
    noise = random.Random(1)
    lines = [b'{"n":"%s"}\n' % noise.randbytes(4000).hex().encode() for _ in range(1500)]
    manifest(s3, put(s3, "a.ndjson", b"".join(lines)))
    assert convert("--COMPRESSION_TYPE", "none")[0] == 0
    assert [json.loads(line)["n"] for line in lines] == numbers(s3)
    assert s3.head_object(Bucket="parquet", Key=keys(s3)[0])["ETag"].strip('"').endswith("-3")


def test_nothing_is_visible_after_a_failure(s3: Any) -> None:
    manifest(s3, put(s3, "a.ndjson", b'{"n":1}\n[]\n'))
    assert convert()[0] == 1
    assert keys(s3) == ["rejects-2026-03-09/m1.ndjson"]
    assert s3.list_multipart_uploads(Bucket="parquet").get("Uploads", []) == []


def test_the_version_of_the_manifest_is_read(s3: Any) -> None:
    first = put(s3, "a.ndjson", b'{"n":"first"}\n')
    put(s3, "a.ndjson", b'{"n":"second"}\n')
    manifest(s3, first)
    convert()
    assert numbers(s3) == ["first"]


def test_objects_that_are_gone_or_changed_are_said(s3: Any) -> None:
    gone, changed = put(s3, "a.ndjson", b'{"n":1}\n'), put(s3, "b.ndjson", b'{"n":2}\n')
    s3.delete_object(Bucket="landing", Key="a.ndjson", VersionId=gone["version_id"])
    put(s3, "b.ndjson", b'{"n":3}\n')
    del changed["version_id"]
    manifest(s3, gone, changed, put(s3, "c.ndjson", b'{"n":4}\n'))
    code, report, _ = convert()
    assert code == 0
    assert numbers(s3) == ["4"]
    assert [found.get("gone") for found in report["details"]["files"]] == [
        "the object does not exist any more", "the object has other bytes than when the manifest was made", None,
    ]  # fmt: skip


def test_ranges_of_an_object_are_read(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "SPLIT_BYTES", 0)
    manifest(s3, put(s3, "a.ndjson", b"".join(b'{"n":%d}\n' % number for number in range(100))), parts=5)
    convert()
    assert numbers(s3) == [str(number) for number in range(100)]


class Broken:
    """A body that breaks off after some bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, _: int) -> bytes:
        if not self._data:
            raise ConnectionResetError("broken")
        data, self._data = self._data, b""
        return data

    def close(self) -> None:
        """Nothing to close."""


def test_a_connection_that_breaks_is_made_again(s3: Any) -> None:
    entry = put(s3, "a.ndjson", b"0123456789")
    with opened(SourceFile(**entry)) as stream:
        stream._body = Broken(b"0123")  # type: ignore[attr-defined]
        assert [stream.read(100), stream.read(100), stream.read(100)] == [b"0123", b"456789", b""]
        assert stream.seek(2) == 2
        assert stream.read(3) == b"234"


def test_a_bucket_that_is_missing_is_a_file_that_is_gone(s3: Any) -> None:
    with pytest.raises(SourceGoneError):
        opened(SourceFile("s3://nowhere/a", "nowhere", "a"))
