"""The images of ingestion: the function answers Lambda's Runtime API, and the job converts files of a manifest."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq

from tests.images.containers import run_image
from tests.images.functions import function
from tests.images.small_lake import give_to_images_user
from tests.runtime_api import PATH

VARIABLES = {"FILE_TRACKING_TABLE": "t", "MANIFEST_BUCKET": "m"}


def test_the_function_takes_its_events_from_the_runtime_api() -> None:
    with function("ndr-manifest-builder", VARIABLES) as api:
        api.events.put({"Records": []})
        path, response = api.answers.get(timeout=60)
        assert path == f"{PATH}/request-1/response"
        assert (response["statusCode"], response["batchItemFailures"]) == (200, [])
        assert set(json.loads(response["body"]).values()) == {0}
        api.events.put({"Records": [{"messageId": "m1", "body": "not JSON"}]})
        _, response = api.answers.get(timeout=60)
        assert response["batchItemFailures"] == [{"itemIdentifier": "m1"}]


def test_the_job_converts_the_files_of_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    lines = [f'{{"id": "{number}", "amount": 1.10}}\n' for number in range(40)]
    (tmp_path / "in" / "a.ndjson").write_text("".join(lines) + "no record\n")
    entry = {"uri": "/in/a.ndjson", "bucket": "", "key": ""}
    manifest = {"format": 1, "id": "0f3a", "date_prefix": "2026-03-10", "parts": 1, "files": [entry]}
    (tmp_path / "in" / "manifest.json").write_text(json.dumps(manifest))
    give_to_images_user(tmp_path)
    arguments = ("--manifest", "/in/manifest.json", "--output", "/out")
    done = run_image("ndr-ndjson-to-parquet", *arguments, folder=tmp_path)
    assert done.returncode and "in a read-only container, give --tmpfs /tmp" in done.stderr
    done = run_image("ndr-ndjson-to-parquet", *arguments, folder=tmp_path, options=("--tmpfs", "/tmp"))
    assert done.returncode == 0, done.stderr
    rows = pq.read_table(tmp_path / "out" / "merged-parquet-2026-03-10" / "0f3a-00001-of-00001.parquet").to_pylist()
    assert [row["id"] for row in rows] == [str(number) for number in range(40)]
    assert {row["amount"] for row in rows} == {"1.10"}
    (reject,) = (tmp_path / "out" / "rejects-2026-03-10" / "0f3a.ndjson").read_text().splitlines()
    assert json.loads(reject)["line"] == 41
