"""Batches of a range of windows, found in a folder, and the manifest that they become."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from common.logs import find_files
from common.windows import Windows, iso_seconds
from jobs.extractor.cli import main
from jobs.extractor.manifest import split
from tests.commands import call
from tests.factories import utc

RANGE = "2026-03-10T23:08Z/2026-03-11T00:23Z"
KEYS = ["20260310T2308Z", "20260310T2323Z", "20260310T2338Z", "20260310T2353Z", "20260311T0008Z"]
RANGE_KEYS = "20260310T2308Z/20260311T0023Z"


def batch(root: Path, day: str, name: str, event: str | None = None, changed: str | None = None) -> Path:
    """A batch folder with a log file that last changed then, and a `_BATCH.json` if it has an event."""
    folder = root / day / name
    folder.mkdir(parents=True)
    (folder / "part-0.csv").write_text("1\n")
    if event is not None:
        (folder / "_BATCH.json").write_text(json.dumps({"event_ts_iso": event}))
    if changed is not None:
        touch(folder, utc(changed))
    return folder


def touch(folder: Path, moment: datetime) -> None:
    for path in folder.iterdir():
        os.utime(path, (moment.timestamp(), moment.timestamp()))


def extract(root: Path, manifest: Path, *more: str, window: str = RANGE) -> tuple[int, str]:
    options = ("--request-id", "r1", "--input-prefix", root, "--manifest", manifest, "--lake", root)
    code, _, error = call(main, *options, "--window", window, "--project-name", "acme", *more)
    return code, error


def written(folder: Path) -> tuple[dict[str, Any], list[dict[str, str]]]:
    return json.loads((folder / "manifest.json").read_text()), json.loads((folder / "windows.json").read_text())


def test_windows_batches_and_gaps(tmp_path: Path) -> None:
    root = tmp_path / "acme" / "hq"
    first = batch(root, "2026/03/10", "aa", "2026-03-10T23:23:00Z")
    late = batch(root, "2026/03/11", "bb", "2026-03-11T00:22:59.9+00:00")  # closes the last window of the day before
    newest = batch(root, "2026/03/11", "cc", changed="2026-03-11T00:23:05")
    batch(root, "2026/03/10", "before", "2026-03-10T23:22:59Z")
    batch(root, "2026/03/11", "after", "2026-03-11T00:38:00Z")
    batch(root, "2026/03/09", "elsewhere", "2026-03-10T23:23:00Z")  # below a date that is not looked at
    code, error = extract(root, tmp_path / "out")
    assert code == 0, error
    manifest, windows = written(tmp_path / "out")
    assert manifest == {
        "request_id": "r1",
        "project_name": "acme",
        "range": {"start": "2026-03-10T23:08:00Z", "end": "2026-03-11T00:23:00Z"},
        "window_count": 3,
        "range_count": 3,
        "gap_count": 2,
        "gaps": [f"{KEYS[1]}/{KEYS[3]}"],
        "ignored_count": 0,
        "ignored": [],
        "windows_key": str(tmp_path / "out" / "windows.json"),
    }
    bounds = [("23:08", "23:23"), ("23:53", "00:08"), ("00:08", "00:23")]
    assert windows == [
        {
            "window": key,
            "batch_start_ts_iso": f"2026-03-{start_day}T{start}:00Z",
            "batch_end_ts_iso": f"2026-03-{end_day}T{end}:00Z",
            "batch_s3_path": str(path),
            "mini_batch_id": path.name,
        }
        for key, (start, end), start_day, end_day, path in zip(
            (KEYS[0], KEYS[3], KEYS[4]), bounds, (10, 10, 11), (10, 11, 11), (first, late, newest), strict=True
        )
    ]


def test_consecutive_windows_of_a_date_are_a_range(tmp_path: Path) -> None:
    for day, name, event in (
        ("10", "aa", "10T23:38:00"),
        ("10", "bb", "10T23:53:00"),
        ("11", "cc", "11T00:08:00"),
        ("11", "dd", "11T00:23:00"),
    ):
        batch(tmp_path, f"2026/03/{day}", name, f"2026-03-{event}Z")
    assert extract(tmp_path, tmp_path / "out")[0] == 0
    assert json.loads((tmp_path / "out" / "ranges.json").read_text()) == [
        {
            "range": "20260310T2323Z/20260311T0008Z",
            "windows": 3,
            "start_ts_iso": "2026-03-10T23:23:00Z",
            "end_ts_iso": "2026-03-11T00:08:00Z",
        },
        {
            "range": "20260311T0008Z/20260311T0023Z",
            "windows": 1,
            "start_ts_iso": "2026-03-11T00:08:00Z",
            "end_ts_iso": "2026-03-11T00:23:00Z",
        },
    ]
    manifest, _ = written(tmp_path / "out")
    assert (manifest["range_count"], manifest["gaps"]) == (2, [f"{KEYS[0]}/{KEYS[1]}"])


@pytest.mark.parametrize(
    ("counts", "lengths"),
    [([1] * 96, [96]), ([400, 1], [1, 1]), ([399, 1, 1], [2, 1]), ([500, 200, 200, 1], [1, 2, 1]), ([], [])],
)
def test_a_range_has_no_more_batches_than_a_query_returns(counts: list[int], lengths: list[int]) -> None:
    windows = list(Windows.parse("2026-03-10T00:08Z/2026-03-11T00:08Z"))
    found = split(dict(zip(windows, counts, strict=False)))
    assert [len(one) for one in found] == lengths
    assert [window for one in found for window in one] == windows[: len(counts)]


def test_more_ranges_than_a_state_machine_collects_have_to_be_split(tmp_path: Path) -> None:
    """Of 1,602 windows in a row each second one has a batch."""
    windows = list(Windows.parse("2026-03-01T00:08Z/2026-03-17T16:38Z"))
    for number, window in enumerate(windows[::2]):
        batch(tmp_path, f"{window.start:%Y/%m/%d}", f"{number:04}", iso_seconds(window.end))
    code, error = extract(tmp_path, tmp_path / "out", window="2026-03-01T00:08Z/2026-03-17T16:38Z")
    assert (len(windows), code) == (1602, 1)
    assert "801 ranges of windows with mini-batches and 801 without" in error and "at most 800 of each" in error


def test_all_batches_of_a_window_are_its_input_and_each_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.extractor.manifest.MOST_CHARACTERS", 1024)  # whatever the length of the test's folder
    second = batch(tmp_path, "2026/03/10", "aa", "2026-03-10T23:25:00Z")
    first = batch(tmp_path, "2026/03/10", "zz", "2026-03-10T23:24:00Z")
    again = batch(tmp_path, "2026/03/11", "aa", "2026-03-10T23:30:00Z")
    assert extract(tmp_path, tmp_path / "out")[0] == 0
    manifest, windows = written(tmp_path / "out")
    assert [entry["batch_s3_path"] for entry in windows] == [f"{first},{second},{again}"]
    assert [entry["mini_batch_id"] for entry in windows] == ["zz,aa,aa"]
    assert manifest["ignored"] == []
    folders = (first, second, again)
    assert find_files([windows[0]["batch_s3_path"]]) == sorted(str(path / "part-0.csv") for path in folders)


def test_without_an_event_the_latest_change_counts(tmp_path: Path) -> None:
    folder = batch(tmp_path, "2026/03/10", "aa", changed="2026-03-10T23:24:00")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "part-1.csv").write_text("2\n")
    newest = utc("2026-03-10T23:39:00").timestamp()
    os.utime(folder / "deeper" / "part-1.csv", (newest, newest))
    assert extract(tmp_path, tmp_path / "out")[0] == 0
    assert [entry["window"] for entry in written(tmp_path / "out")[1]] == [KEYS[1]]


def test_folders_that_are_no_batches_are_reported(tmp_path: Path) -> None:
    day = tmp_path / "2026/03/10"
    batch(tmp_path, "2026/03/10", "wrong-event", "yesterday")
    (batch(tmp_path, "2026/03/10", "no-event", "x") / "_BATCH.json").write_text("{}")
    (batch(tmp_path, "2026/03/10", "no-json", "x") / "_BATCH.json").write_text("{")
    (batch(tmp_path, "2026/03/10", "a-list", "x") / "_BATCH.json").write_text("[]")
    batch(tmp_path, "2026/03/10", "_temporary", "2026-03-10T23:23:00Z")
    batch(tmp_path, "2026/03/10", "a,b", "2026-03-10T23:23:00Z")
    (day / "stray.csv").write_text("1\n")
    (batch(tmp_path, "2026/03/10", "empty", "2026-03-10T23:23:00Z") / "part-0.csv").write_text("")
    code, error = extract(tmp_path, tmp_path / "out")
    assert code == 0, error
    manifest, windows = written(tmp_path / "out")
    assert windows == []
    assert manifest["gaps"] == [RANGE_KEYS]
    reasons = {Path(path).relative_to(day).as_posix(): reason for path, reason in manifest["ignored"]}
    assert {name: reasons[name].partition(":")[0] for name in reasons} == {
        "wrong-event": "_BATCH.json has no valid event_ts_iso",
        "no-event": "_BATCH.json has no valid event_ts_iso",
        "no-json": "_BATCH.json has no valid event_ts_iso",
        "a-list": "_BATCH.json has no valid event_ts_iso",
        "_temporary": "a hidden folder",
        "a,b": "its name has more than letters, digits, dots, dashes, underscores and equals signs, or 128 of them",
        "stray.csv": "a file outside a mini-batch folder",
        "empty": "a folder without a log file",
    }
    assert "'yesterday' is not a time with a zone" in reasons["wrong-event"]


def test_a_request_without_any_batch_has_only_gaps(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    assert extract(tmp_path / "nothing", tmp_path / "out")[0] == 0
    manifest, windows = written(tmp_path / "out")
    assert (manifest["window_count"], manifest["gap_count"], manifest["gaps"], windows) == (0, 5, [RANGE_KEYS], [])


def test_the_same_request_gives_the_same_bytes_and_replaces_what_was_there(tmp_path: Path) -> None:
    batch(tmp_path, "2026/03/10", "aa", "2026-03-10T23:23:00Z")
    names = ("manifest.json", "ranges.json", "windows.json")
    assert extract(tmp_path, tmp_path / "out")[0] == 0
    before = [(tmp_path / "out" / name).read_bytes() for name in names]
    assert extract(tmp_path, tmp_path / "out")[0] == 0
    assert [(tmp_path / "out" / name).read_bytes() for name in names] == before
    batch(tmp_path, "2026/03/10", "bb", "2026-03-10T23:38:00Z")
    assert extract(tmp_path, tmp_path / "out")[0] == 0
    assert [entry["window"] for entry in written(tmp_path / "out")[1]] == KEYS[:2]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(names)


def test_a_filter_keeps_only_its_windows(tmp_path: Path) -> None:
    for minute, name in ((23, "aa"), (38, "bb"), (53, "cc")):
        batch(tmp_path, "2026/03/10", name, f"2026-03-10T23:{minute}:00Z")
    wanted = f"{KEYS[4]},2026-03-10T23:08:00Z/2026-03-10T23:38:00Z"
    assert extract(tmp_path, tmp_path / "out", "--windows-filter", wanted)[0] == 0
    manifest, windows = written(tmp_path / "out")
    assert [entry["window"] for entry in windows] == KEYS[:2]
    assert manifest["gaps"] == [f"{KEYS[4]}/20260311T0023Z"]


def test_many_batches_of_a_window_are_listed_in_a_file(tmp_path: Path) -> None:
    """An argument of a processing job holds 256 characters."""
    folders = [batch(tmp_path, "2026/03/10", f"{number:064d}", "2026-03-10T23:23:00Z") for number in range(12)]
    assert extract(tmp_path, tmp_path / "out")[0] == 0
    (entry,) = written(tmp_path / "out")[1]
    assert entry["batch_s3_path"] == f"@{tmp_path}/out/inputs/{KEYS[0]}.txt"
    assert entry["mini_batch_id"] == f"{0:064d}+11"
    assert find_files([entry["batch_s3_path"]]) == [str(folder / "part-0.csv") for folder in folders]


def test_a_range_of_more_than_100_days_has_to_be_split(tmp_path: Path) -> None:
    window = "2026-03-01T00:08Z/2026-06-09T00:23Z"
    code, error = extract(tmp_path, tmp_path / "out", window=window)
    assert code == 1
    assert "has 9,601 windows" in error and "at most 9,600" in error and "Split the range" in error
    assert not (tmp_path / "out").exists()
    few = ("--windows-filter", "2026-03-05T00:08Z")
    assert extract(tmp_path, tmp_path / "out", *few, window=window)[0] == 0


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    code, error = extract(tmp_path / "nothing", tmp_path / "out")
    assert code == 1
    assert f"{tmp_path}/nothing does not exist" in error
    assert not (tmp_path / "out").exists()


def test_the_index_has_to_be_named(tmp_path: Path) -> None:
    code, error = extract(tmp_path, tmp_path / "out", "--source", "index")
    assert code == 1
    assert "project acme has no batch_index_table" in error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--windows-filter", "2026-03-10T23:10Z"], "2026-03-10T23:08Z"),
        (["--windows-filter", "some"], "'all'"),
        (["--windows-filter", "2026-03-12T23:08Z"], "2026-03-12T23:08Z of --windows-filter is outside"),
        (["--request-id", "../r1"], "'../r1'"),
        (["--source", "guess"], "listing"),
        (["--input-prefix", "gs://bucket/org"], "gs"),
    ],
)
def test_wrong_arguments_are_usage_errors(tmp_path: Path, arguments: list[str], words: str) -> None:
    code, error = extract(tmp_path, tmp_path / "out", *arguments)
    assert code == 2
    assert words in " ".join(error.split())
