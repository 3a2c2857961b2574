"""What becomes of the files and the partition of a day, and what holds when something happens on the way."""

from __future__ import annotations

import gzip
import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from common.c360 import partitions
from common.c360.partitions import read_partition
from common.ndjson import spans
from common.storage.files import Folder
from jobs.c360_clean import config, job
from jobs.c360_clean.transform import CleanRows, cleaned
from tests.jobs.c360_clean.days import DAY, HEADER, Zones, events


def test_too_many_rejects_leave_the_partition_as_it_was(zones: Zones) -> None:
    zones.put("activity_logs", events(3))
    zones.put("plans", f"{HEADER}\nP1,Basic,5,1,2,3,n,30\n".encode())
    assert zones.clean()[0] == 0
    zones.put("activity_logs", events(300) + b"{broken\n" * 1000)
    zones.put("plans", f"{HEADER}\nP2,Basic,5,1,2,3,n,30\n".encode())
    code, _, error = zones.clean()
    assert code == 1 and "1,000 of 1,300 rows of activity_logs of 2025-01-02 are rejected, more than 5.00%" in error
    assert len(zones.rows("activity_logs")) == 3
    assert [reject["line"] for reject in zones.rejects("activity_logs")] == list(range(301, 1301))
    assert [row["plan_id"] for row in zones.rows("plans")] == ["P2"]  # others are done
    zones.put("activity_logs", events(300))
    assert zones.clean()[0] == 0
    assert zones.rejects("activity_logs") == [] and len(zones.rows("activity_logs")) == 300


def test_the_last_line_may_be_cut(zones: Zones) -> None:
    zones.put("activity_logs", events(40) + events(1)[:50])
    code, report, _ = zones.clean()
    assert code == 0 and (report["rows_out"], report["rows_rejected"]) == (40, 1)
    assert [(reject["line"], reject["reason"]) for reject in zones.rejects("activity_logs")] == [(41, "cut off")]


def test_packed_and_damaged_files(zones: Zones) -> None:
    packed = gzip.compress(events(100))
    zones.put("activity_logs", packed, "a.gz")
    zones.put("activity_logs", packed[:-20], "b.gz")
    code, report, _ = zones.clean()
    assert code == 0
    whole, cut = report["partitions"][0]["files"]
    assert (whole["read"], whole["kept"], whole["rejected"]) == (100, 100, 0)
    assert cut["kept"] > 0 and cut["read"] == cut["kept"] + cut["rejected"] and cut["rejected"] == 1


def test_a_file_that_is_none_of_its_dataset_fails_the_job(zones: Zones) -> None:
    zones.put("plans", b"a,b\n1,2\n")
    code, _, error = zones.clean()
    assert code == 1 and "1 of 1 rows of plans" in error
    assert zones.rejects("plans")[0]["reason"] == "the header has no plan_id"


def test_a_partition_is_replaced_as_a_whole(zones: Zones) -> None:
    zones.put("activity_logs", events(2), "a")
    zones.put("activity_logs", events(2, customer_id="C9"), "b")
    zones.clean()
    before = zones.files()
    assert zones.clean()[0] == 0
    assert zones.files() == before  # the same rows are the same files
    (zones.folder / f"archive/activity_logs/{DAY}/b").unlink()
    zones.clean()
    assert [row["customer_id"] for row in zones.rows("activity_logs")] == ["C1", "C1"]
    assert len(zones.files()) == len(before) and zones.files() != before
    (zones.folder / f"archive/activity_logs/{DAY}/a").unlink()
    zones.clean()
    assert zones.files() == [f"activity_logs/load_date={DAY}/manifest.json"]
    found = read_partition(Folder(str(zones.folder / "clean")), "activity_logs", date.fromisoformat(DAY))
    assert found is not None and (found.files, found.sources) == ((), ())


def test_a_day_without_files_writes_nothing(zones: Zones) -> None:
    code, report, _ = zones.clean()
    assert (code, report["partitions"], zones.files()) == (0, [], [])


@pytest.mark.parametrize("step", ["write_rejects", "publish"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_anywhere_readers_see_the_old_rows_or_the_new(
    zones: Zones, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    zones.put("activity_logs", events(2))
    zones.clean()
    zones.put("activity_logs", events(3))
    original = getattr(job, step)

    def killed(*arguments: object) -> None:
        if when == "after":
            original(*arguments)
        raise SystemExit(137)

    with monkeypatch.context() as patched:
        patched.setattr(job, step, killed)
        assert zones.clean()[0] == 137
    assert len(zones.rows("activity_logs")) == (3 if (step, when) == ("publish", "after") else 2)
    assert zones.clean()[0] == 0
    assert len(zones.rows("activity_logs")) == 3
    assert len(zones.files()) == 2


def test_late_files_of_days_before_are_cleaned(zones: Zones) -> None:
    days = ["2024-12-30", "2024-12-31", "2025-01-01", DAY]
    for day in days[1:]:
        zones.put("activity_logs", events(1), day=day)
    assert zones.clean(day=f"{days[1]}/{DAY}")[0] == 0
    zones.put("activity_logs", events(1), "late", days[0])
    zones.put("activity_logs", events(1), "late", days[1])
    code, report, _ = zones.clean("--late-days", 2)
    assert code == 0
    assert [found["load_date"] for found in report["partitions"]] == [days[1], DAY]  # 2025-01-01 has not changed
    assert len(zones.rows("activity_logs", days[1])) == 2
    (zones.folder / f"archive/activity_logs/{days[1]}/late").unlink()
    assert zones.clean("--late-days", 2)[1]["partitions"][0]["load_date"] == days[1]
    assert len(zones.rows("activity_logs", days[1])) == 1


def test_rows_that_vanish_fail_the_job(zones: Zones, monkeypatch: pytest.MonkeyPatch) -> None:
    def loses(*arguments: Any) -> CleanRows:
        found = cleaned(*arguments)
        return CleanRows(found.batch.slice(1), found.rejects)

    zones.put("activity_logs", events(3))
    monkeypatch.setattr("jobs.c360_clean.part.cleaned", loses)
    code, _, error = zones.clean()
    assert code == 1 and f"{DAY}/f of activity_logs of {DAY}: 3 rows read, but 2 kept and 0 rejected" in error
    assert not [name for name in zones.files() if name.endswith(partitions.NAME)]


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_large_files_are_split_at_lines_and_keep_their_numbers(
    zones: Zones, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    content = b"\n".join(events(300).splitlines(keepends=True)) + b"{broken\n" + events(100)
    zones.put("activity_logs", content, "a")
    zones.put("activity_logs", events(50), "b")
    zones.clean()
    expected = zones.rows("activity_logs")
    rejects = zones.rejects("activity_logs")
    monkeypatch.setattr(spans, "SPLIT_BYTES", 100)
    monkeypatch.setattr(job, "BYTES_PER_PART", 10_000)
    assert len(content) < config.BYTES_PER_PART
    code, report, _ = zones.clean("--processes", processes)
    assert code == 0 and len(report["partitions"][0]["parquet"]) > 5
    assert zones.rows("activity_logs") == expected and len(expected) == 450
    assert zones.rejects("activity_logs") == rejects and [reject["line"] for reject in rejects] == [600]


def test_the_manifest_names_files_with_their_hashes(zones: Zones) -> None:
    zones.put("plans", f"{HEADER}\nP1,Basic,5,1,2,3,n,30\n".encode())
    zones.clean()
    clean = zones.folder / "clean"
    partition = read_partition(Folder(str(clean)), "plans", date.fromisoformat(DAY))
    assert partition is not None
    content = (clean / partition.names[0]).read_bytes()
    (file,) = partition.files
    assert (file.bytes, file.rows, file.sha256) == (len(content), 1, hashlib.sha256(content).hexdigest())
    assert file.name == f"part-00000-{file.sha256[:16]}.parquet"
    (source,) = partition.sources
    assert (source.name, source.read, source.kept, source.rejected) == (f"{DAY}/f", 1, 1, 0)


def test_an_archive_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    zones = Zones(tmp_path)
    code, _, error = zones.clean("--archive", tmp_path / "nothing")
    assert code == 1 and "does not exist" in error


@pytest.mark.parametrize("days", ["2025-02-30", "2025-01-02/2025-01-01", "yesterday"])
def test_days_that_are_none_are_usage_errors(zones: Zones, days: str) -> None:
    code, _, error = zones.clean(day=days)
    assert code == 2 and repr(days) in error
