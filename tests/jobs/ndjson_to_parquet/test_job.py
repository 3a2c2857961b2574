"""Manifests of local files become Parquet: every line once, as a row or as a reject."""

from __future__ import annotations

import codecs
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from common.ndjson import spans
from jobs.ndjson_to_parquet import part
from tests.common.ndjson.edge_cases import BAD, GOOD
from tests.jobs.ndjson_to_parquet.conversions import DATE, convert, local, manifest, parquet, rejects, table


def numbered(count: int, first: int = 0, width: int = 0) -> bytes:
    return b"".join(b'{"n":%d,"pad":"%s"}\n' % (number, b"x" * width) for number in range(first, first + count))


def test_rows_and_rejects_of_several_files(tmp_path: Path) -> None:
    path = local(tmp_path, {
        "one.ndjson": b'{"a":1.10,"b":{"x": 1}}\n[1]\n\n{"c":"","a":null}\n',
        "two.ndjson.gz": gzip.compress(codecs.BOM_UTF8 + b'{"z":1}\r\n\r\n{"A":true}'),
        "empty.ndjson": b"",
    })  # fmt: skip
    code, report, _ = convert(path, "--max-rejected-ratio", 0.2)
    assert code == 0
    assert table(tmp_path).to_pydict() == {
        "a": ["1.10", None, None, "true"],
        "b": ['{"x": 1}', None, None, None],
        "c": [None, "", None, None],
        "z": [None, None, "1", None],
    }
    assert rejects(tmp_path) == [{"file": "one.ndjson", "line": 2, "reason": "no JSON object but array", "text": "[1]"}]
    assert report["details"]["files"] == [
        {"file": str(tmp_path / "one.ndjson"), "read": 3, "written": 2, "rejected": 1},
        {"file": str(tmp_path / "two.ndjson.gz"), "read": 2, "written": 2, "rejected": 0},
        {"file": str(tmp_path / "empty.ndjson"), "read": 0, "written": 0, "rejected": 0},
    ]
    assert (report["rows_in"], report["rows_out"], report["rows_rejected"]) == (5, 4, 1)


def test_each_row_says_its_file_and_the_time_of_the_run(tmp_path: Path) -> None:
    before = datetime.now(UTC).isoformat()
    path = local(tmp_path, {"a.ndjson": b'{"_source_file":"own"}\n', "b.ndjson": b"{}\n"})
    convert(path)
    (found,) = parquet(tmp_path)
    rows = pq.read_table(found).to_pydict()
    assert list(rows) == ["_source_file__2", "_source_file", "_processing_timestamp"]
    assert rows["_source_file__2"] == ["own", None]
    assert rows["_source_file"] == [str(tmp_path / "a.ndjson"), str(tmp_path / "b.ndjson")]
    assert before < rows["_processing_timestamp"][0] == rows["_processing_timestamp"][1]
    assert found == tmp_path / f"out/merged-parquet-{DATE}/m1-00001-of-00001.parquet"


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 3])
def test_all_edge_cases_are_written_or_rejected(tmp_path: Path, processes: int) -> None:
    good = b"\n".join(line for line, _ in GOOD)
    bad = b"\n".join(line for line, _ in BAD)
    code, report, _ = convert(
        local(tmp_path, {"good.ndjson": good, "bad.ndjson": bad}, 2), "--processes", processes,
        "--max-rejected-ratio", 1,
    )  # fmt: skip
    assert code == 0
    rows = [{name: value for name, value in row.items() if value is not None} for row in table(tmp_path).to_pylist()]
    assert rows == [{name: value for name, value in values.items() if value is not None} for _, values in GOOD]
    assert [(found["line"], found["reason"]) for found in rejects(tmp_path)] == [
        (number, reason) for number, (_, reason) in enumerate(BAD, 1)
    ]
    assert (report["rows_out"], report["rows_rejected"]) == (len(GOOD), len(BAD))


def test_columns_that_turn_up_late_are_in_all_files_in_the_order_of_first_sight(tmp_path: Path) -> None:
    contents = {"a.ndjson": b'{"a":1}\n', "b.ndjson": b'{"b":2,"a":3}\n', "c.ndjson": b'{"c":4}\n{"B":5}\n'}
    convert(local(tmp_path, contents, parts=3))
    assert [pq.read_schema(path).names[:-2] for path in parquet(tmp_path)] == [["a", "b", "c"]] * 3
    assert table(tmp_path).to_pydict() == {
        "a": ["1", "3", None, None], "b": [None, "2", None, "5"], "c": [None, None, "4", None],
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_large_file_is_split_between_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int) -> None:
    monkeypatch.setattr(spans, "SPLIT_BYTES", 100)
    content = codecs.BOM_UTF8 + numbered(500) + b"[1]\n" + numbered(500, 500) + b"{"
    code, report, _ = convert(local(tmp_path, {"a.ndjson": content}, 7), "--processes", processes)
    assert code == 0
    assert table(tmp_path)["n"].to_pylist() == [str(number) for number in range(1000)]
    assert all(100 < pq.read_metadata(path).num_rows < 200 for path in parquet(tmp_path))
    assert [(found["line"], found["reason"]) for found in rejects(tmp_path)] == [
        (501, "no JSON object but array"), (1002, "cut off"),
    ]  # fmt: skip
    assert report["details"]["files"][0]["read"] == 1002


@pytest.mark.parametrize("parts", range(1, 12))
def test_a_line_is_in_one_part_wherever_a_file_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    monkeypatch.setattr(spans, "SPLIT_BYTES", 0)
    convert(local(tmp_path, {"a.ndjson": b'{"n":0}\n{"n":1}\n\n{"n":2}', "b.ndjson": b'{"n":3}\n'}, parts))
    assert table(tmp_path)["n"].to_pylist() == ["0", "1", "2", "3"]
    assert len(parquet(tmp_path)) == parts


def test_packed_files_are_not_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "SPLIT_BYTES", 0)
    files = {"a.ndjson.gz": gzip.compress(numbered(100)), "b.ndjson": numbered(3, 100).decode().encode("utf-16")}
    convert(local(tmp_path, files, 4))
    assert table(tmp_path)["n"].to_pylist() == [str(number) for number in range(103)]


def test_rows_are_written_in_several_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "ROW_GROUP_BYTES", 1)
    convert(local(tmp_path, {"a.ndjson": numbered(3), "b.ndjson": numbered(2, 3)}))
    (path,) = parquet(tmp_path)
    assert pq.read_metadata(path).num_row_groups == 2
    assert pq.read_table(path)["n"].to_pylist() == list("01234")


def test_files_without_records_are_completed_without_rows(tmp_path: Path) -> None:
    code, report, _ = convert(local(tmp_path, {"a.ndjson": b"", "b.ndjson": b"\n\n"}))
    assert (code, report["rows_in"], table(tmp_path).num_rows) == (0, 0, 0)


def test_an_empty_manifest_writes_nothing(tmp_path: Path) -> None:
    code, report, _ = convert(manifest(tmp_path, []))
    assert (code, report["rows_in"], report["details"]["parquet"]) == (0, 0, [])
    assert not (tmp_path / "out").exists()


def test_too_many_rejects_are_written_before_the_job_fails(tmp_path: Path) -> None:
    path = local(tmp_path, {"a.ndjson": numbered(18) + b"1\n1\n"})
    code, _, error = convert(path)
    assert code == 1
    assert "2 of 20 lines are no records, more than 5.00%" in error
    assert parquet(tmp_path) == []
    assert [found["line"] for found in rejects(tmp_path)] == [19, 20]
    assert convert(path, "--max-rejected-ratio", 0.1)[0] == 0  # the greatest share is allowed


def test_a_run_that_is_repeated_replaces_its_files(tmp_path: Path) -> None:
    contents = {"a.ndjson": numbered(5) + b"1\n", "b.ndjson": numbered(5, 5)}
    path = local(tmp_path, contents, 2)
    for _ in range(2):
        assert convert(path, "--max-rejected-ratio", 0.5)[0] == 0
        assert table(tmp_path)["n"].to_pylist() == list("0123456789")
        assert len(rejects(tmp_path)) == 1
    convert(local(tmp_path, contents | {"a.ndjson": numbered(5)}, 2))
    assert rejects(tmp_path) == []


def test_files_that_are_gone_or_changed_are_said_once_and_the_others_are_written(tmp_path: Path) -> None:
    path = local(tmp_path, {"a.ndjson": numbered(2), "b.ndjson": numbered(2, 2), "c.ndjson": numbered(2, 4)})
    (tmp_path / "a.ndjson").unlink()
    (tmp_path / "b.ndjson").write_bytes(numbered(3))
    code, report, _ = convert(path)
    assert code == 0
    assert table(tmp_path)["n"].to_pylist() == ["4", "5"]
    size, now = len(numbered(2, 2)), len(numbered(3))
    reasons = ["the file does not exist any more", f"the file has {now} bytes now, not {size}"]
    assert report["details"]["files_gone"] == 2
    assert [found.get("gone") for found in report["details"]["files"]] == [*reasons, None]
    assert rejects(tmp_path) == [
        {"file": name, "line": None, "reason": reason, "text": ""}
        for name, reason in zip(("a.ndjson", "b.ndjson"), reasons, strict=True)
    ]


def test_a_foreign_manifest_has_the_name_and_the_date_of_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(numbered(2))
    folder = tmp_path / "manifests" / DATE
    folder.mkdir(parents=True)
    (folder / "batch-7.json").write_text(json.dumps({"fileLocations": [{"URIPrefixes": [str(tmp_path / "a.ndjson")]}]}))
    assert convert(folder / "batch-7.json", "--output", tmp_path / "out")[0] == 0
    assert parquet(tmp_path) == [tmp_path / f"out/merged-parquet-{DATE}/batch-7-00001-of-00001.parquet"]


def test_a_damaged_file_gives_what_is_readable_and_a_reject(tmp_path: Path) -> None:
    whole = gzip.compress(numbered(20_000), mtime=0)
    convert(local(tmp_path, {"a.ndjson.gz": whole[: len(whole) // 2]}))
    found = table(tmp_path)["n"].to_pylist()
    assert 1000 < len(found) < 20_000
    assert found == [str(number) for number in range(len(found))]
    (reject,) = rejects(tmp_path)
    assert (reject["line"], reject["reason"]) == (len(found) + 1, "the gzip stream is cut off")


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_nothing_that_readers_see(tmp_path: Path) -> None:
    path = local(tmp_path, {f"{at}.ndjson": numbered(150_000, 150_000 * at, 40) for at in range(4)}, 4)
    command = [sys.executable, "-c", "import sys; from jobs.ndjson_to_parquet.cli import main; main(sys.argv[1:])",
               "--manifest", str(path), "--output", str(tmp_path / "out"), "--processes", "2"]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        while not any(draft.stat().st_size for draft in (tmp_path / "out").rglob(".*.tmp")):
            assert process.poll() is None
            time.sleep(0.01)
        workers = _below(process.pid)
        os.kill(process.pid, signal.SIGKILL)
    assert len(workers) > 2
    assert [path.name for path in parquet(tmp_path) if not path.name.startswith(".")] == []
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "workers live on"
        time.sleep(0.05)
    assert convert(path)[0] == 0
    assert len(parquet(tmp_path)) == 4  # the drafts are gone, too
    assert table(tmp_path)["n"].to_pylist() == [str(number) for number in range(600_000)]


def _below(pid: int) -> list[int]:
    """The processes that the process started, and those that they started."""
    texts = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [found for text in texts for child in text.split() for found in (int(child), *_below(int(child)))]
