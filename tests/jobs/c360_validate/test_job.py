"""Where files go, and what holds when something happens on the way."""

from __future__ import annotations

import hashlib
import itertools
from datetime import date
from pathlib import Path

import pytest

from jobs.c360_validate import job
from jobs.c360_validate import zones as zones_module
from jobs.c360_validate.zones import LocalZones, RawFile
from tests.c360.killed import run_until
from tests.jobs.c360_validate.conftest import DELIVERED, LocalFiles

PLANS = b"plan_id,plan_name\nP001,Premium\n"
HASH = hashlib.sha256(PLANS).hexdigest()[:16]
BAD = b"plan,plan_name\nP001,Premium\n"


def test_a_valid_file_is_moved_with_its_date_hash_and_time(zones: LocalFiles) -> None:
    zones.deliver("plans/2025/plans_20250102.csv", PLANS)
    code, report, _ = zones.validate()
    place = f"archive/plans/2025-01-02/plans_20250102.csv.{HASH}"
    assert code == 0 and zones.names() == [place]
    assert (zones.folder / place).read_bytes() == PLANS
    assert (zones.folder / place).stat().st_mtime_ns == DELIVERED
    assert report["outcomes"] == {"archived": 1}
    assert (report["rows_in"], report["rows_out"], report["rows_rejected"]) == (1, 1, 0)


def test_a_file_without_a_date_has_that_of_its_delivery(zones: LocalFiles) -> None:
    zones.deliver("plans/plans.csv", PLANS)
    assert zones.validate()[0] == 0
    assert zones.names() == [f"archive/plans/{date(2025, 1, 4)}/plans.csv.{HASH}"]


def test_an_invalid_file_is_moved_with_the_reason(zones: LocalFiles) -> None:
    zones.deliver("plans/plans_20250102.csv", BAD)
    code, report, _ = zones.validate()
    place = f"rejected/plans/2025-01-02/plans_20250102.csv.{hashlib.sha256(BAD).hexdigest()[:16]}"
    assert code == 0 and zones.names() == [place, f"{place}.reason.json"]
    assert zones.reason() == {
        "file": "raw/plans/plans_20250102.csv", "line": 1, "column": "plan_id", "reason": "the header has no plan_id",
        "value": "plan,plan_name", "delivered_at": "2025-01-04T14:13:20.123456+00:00",
        "sha256": hashlib.sha256(BAD).hexdigest(), "rows": 0, "bad": 0,
    }  # fmt: skip
    assert report["outcomes"] == {"rejected": 1}


@pytest.mark.parametrize("name", ["nothing/a.csv", "a.csv"])
def test_a_file_of_no_dataset_is_rejected(zones: LocalFiles, name: str) -> None:
    zones.deliver(name, PLANS)
    assert zones.validate()[0] == 0
    folder = "nothing" if "/" in name else "unknown"
    assert zones.names()[0] == f"rejected/{folder}/2025-01-04/a.csv.{HASH}"
    assert zones.reason()["reason"].startswith(f"there is no dataset '{folder}'")


def test_identical_bytes_again_change_nothing(zones: LocalFiles) -> None:
    zones.deliver("plans/plans_20250102.csv", PLANS)
    zones.validate()
    (place,) = zones.names()
    before = (zones.folder / place).stat()
    zones.deliver("plans/plans_20250102.csv", PLANS, DELIVERED + 10**9)
    assert zones.validate()[1]["outcomes"] == {"archived": 1}
    assert zones.names() == [place]
    after = (zones.folder / place).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_other_bytes_with_the_name_are_another_file(zones: LocalFiles) -> None:
    contents = PLANS, PLANS.replace(b"Premium", b"Basic")
    for content in contents:
        zones.deliver("plans/plans_20250102.csv", content)
        zones.validate()
    assert len(zones.names()) == 2
    assert {(zones.folder / name).read_bytes() for name in zones.names()} == {
        PLANS,
        PLANS.replace(b"Premium", b"Basic"),
    }


def test_a_file_that_is_gone_is_counted(zones: LocalFiles) -> None:
    code, report, _ = zones.validate(zones.folder / "raw/plans/plans.csv")
    assert (code, report["outcomes"]) == (0, {"gone": 1})


def test_only_files_of_raw_are_taken(zones: LocalFiles) -> None:
    path = zones.folder / "archive/plans/a.csv"
    code, _, error = zones.validate(path)
    assert code == 1 and f"{path} is not below {zones.folder}/raw/" in error


def test_hidden_files_are_left(zones: LocalFiles) -> None:
    zones.deliver("plans/.plans.csv.part", PLANS)
    assert zones.validate()[1]["outcomes"] == {}
    assert zones.names() == ["raw/plans/.plans.csv.part"]


STEPS = ("copied", "_reject", "removed")


@pytest.mark.parametrize("content", [PLANS, BAD])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_anywhere_it_goes_on(
    zones: LocalFiles, monkeypatch: pytest.MonkeyPatch, step: str, when: str, content: bytes
) -> None:
    other = LocalFiles(zones.folder / "other")
    other.deliver("plans/p_20250102.csv", content)
    other.validate()
    expected = other.names()
    zones = LocalFiles(zones.folder / "own")
    zones.deliver("plans/p_20250102.csv", content)
    owner = job if step == "_reject" else LocalZones
    original = getattr(owner, step)

    def killed(*arguments: object) -> object:
        if when == "after":
            original(*arguments)
        raise SystemExit(137)

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, killed)
        code = zones.validate()[0]
    assert code == (0 if step == "_reject" and content == PLANS else 137)
    if code and not (step == "removed" and when == "after"):
        assert "raw/plans/p_20250102.csv" in zones.names()  # nothing is lost
    assert zones.validate()[0] == 0
    assert zones.names() == expected


@pytest.mark.slow
def test_killed_at_any_moment_no_copy_is_left_in_part(tmp_path: Path) -> None:
    for moment in itertools.count(1):
        zones = LocalFiles(tmp_path / str(moment))
        zones.deliver("plans/p_20250102.csv", PLANS)
        if not run_until(moment, zones.folder, "jobs.c360_validate.cli", "--zones", zones.folder):
            break
        zones.deliver("plans/p_20250102.csv", PLANS + b"P002,Basic\n")  # so nobody writes the first ones again
        assert zones.validate()[0] == 0
        assert [name for name in zones.names() if not name.startswith("archive/plans/2025-01-02/p_2025")] == []
    assert moment > 6  # the folder, the copy, its time, its place, and the removal of two files


def test_a_file_that_is_written_meanwhile_is_left(zones: LocalFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zones.deliver("plans/p_20250102.csv", PLANS)
    original = LocalZones.copied

    def and_then(self: LocalZones, raw: RawFile, target: str, sha256: str) -> bool:
        done = original(self, raw, target, sha256)
        path.write_bytes(PLANS + b"P002,Basic\n")
        return done

    with monkeypatch.context() as patched:
        patched.setattr(LocalZones, "copied", and_then)
        assert zones.validate()[1]["outcomes"] == {"changed": 1}
    assert path.exists()
    assert zones.validate()[1]["outcomes"] == {"archived": 1}
    assert len(zones.names()) == 2  # each is what was there at a time


def test_a_file_that_is_written_while_it_is_copied_is_left(zones: LocalFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zones.deliver("plans/p_20250102.csv", PLANS)
    original = zones_module._copy

    def written_before(source: Path, target: Path, sha256: str) -> None:
        path.write_bytes(PLANS + b"P00")
        original(source, target, sha256)

    with monkeypatch.context() as patched:
        patched.setattr(zones_module, "_copy", written_before)
        assert zones.validate()[1]["outcomes"] == {"changed": 1}
    assert zones.names() == ["raw/plans/p_20250102.csv"]


def test_an_archive_that_was_altered_is_no_copy(zones: LocalFiles) -> None:
    place = zones.folder / f"archive/plans/2025-01-02/p_20250102.csv.{HASH}"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"other")
    zones.deliver("plans/p_20250102.csv", PLANS)
    code, _, error = zones.validate()
    assert code == 1 and "has other bytes than its name says" in error
    assert "raw/plans/p_20250102.csv" in zones.names()
