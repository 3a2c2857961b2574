"""Which files belong to which window."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from common.storage.batches import EVENT_FILE, event_content
from common.windows import Windows
from jobs.delta.placement import Placement, placed
from tests.jobs.delta.deliveries import window

RANGE = Windows(window(0).start, window(2).start)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Batches of three windows, of which the last has its file in a subfolder, one without a time, and a loose file."""
    root = tmp_path / "logs"
    for at, place in enumerate(("a", "b", "c/part")):
        (root / place).mkdir(parents=True)
        (root / place / "p.csv").touch()
        (root / place[0] / EVENT_FILE).write_bytes(event_content(window(at).end + timedelta(seconds=11)))
    (root / "d").mkdir()
    (root / "d" / "p.csv").touch()
    (root / "d" / EVENT_FILE).write_text('{"event_ts_iso": "yesterday"}')
    (root / "loose.csv").touch()
    return root


def found(logs: Path, windows: Windows, *inputs: str) -> Placement:
    paths = sorted(str(path) for path in logs.rglob("*.csv"))
    entries = [str(logs / entry) for entry in inputs]
    chosen = [path for path in paths if any(path.startswith(entry.partition("*")[0]) for entry in entries)]
    return placed(chosen, entries, windows)


def names(logs: Path, paths: tuple[str, ...]) -> list[str]:
    return [str(Path(path).relative_to(logs)) for path in paths]


def test_a_range_counts_each_batch_in_the_window_of_its_event(logs: Path) -> None:
    placement = found(logs, RANGE, "")
    assert names(logs, placement.paths) == ["a/p.csv", "b/p.csv", "loose.csv"]
    places = [placement.slice_of(str(logs / name)) for name in ("a/p.csv", "b/p.csv", "loose.csv")]
    assert places == [0, 1, None]
    assert names(logs, placement.left_out) == ["c"]
    (unknown,) = placement.unknown
    assert unknown[0] == str(logs / "d")
    assert unknown[1].startswith("_BATCH.json has no valid event_ts_iso: 'yesterday' is not a time")


@pytest.mark.parametrize("inputs", [("a", "c"), ("a/p.csv", "c/part"), ("a", "c/*.csv", "b/p.csv")])
def test_a_range_takes_a_named_batch_by_its_event_too(logs: Path, inputs: tuple[str, ...]) -> None:
    placement = found(logs, RANGE, *inputs)
    assert "a/p.csv" in names(logs, placement.paths)
    assert names(logs, placement.left_out) == ["c"]


@pytest.mark.parametrize("entry", ["c", "c/", "c/part/p.csv", "c/*.csv", "d"])
def test_a_window_takes_the_batches_that_are_named(logs: Path, entry: str) -> None:
    placement = found(logs, window(0), entry)
    assert len(placement.paths) == 1 and placement.slice_of(placement.paths[0]) == 0
    assert not placement.left_out and not placement.unknown


@pytest.mark.parametrize("entry", ["", "*"])
def test_of_a_folder_a_window_takes_its_own_batches(logs: Path, entry: str) -> None:
    placement = found(logs, window(1), entry)
    assert names(logs, placement.paths) == ["b/p.csv", "loose.csv"]
    assert [placement.slice_of(path) for path in placement.paths] == [0, 0]
    assert names(logs, placement.left_out) == ["a", "c"]


def test_paths_may_be_relative(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(logs)
    placement = placed(["a/p.csv", "c/part/p.csv"], ["a", "c"], RANGE)
    assert placement.paths == ("a/p.csv",) and placement.slices == {"a/p.csv": 0}
    assert placed(["c/part/p.csv"], ["./c"], window(0)).paths == ("c/part/p.csv",)


def test_a_window_that_the_input_gives_goes_before_that_of_the_event(logs: Path, tmp_path: Path) -> None:
    """`c` has an event of a window that is not of the range, and `d` one without a valid time."""
    entries = {"a": window(1), "c": window(0), "d/p.csv": window(1), "b": window(7)}
    listed = tmp_path / "inputs.txt"
    listed.write_text("".join(f"{one.key}\t{logs / name}\n" for name, one in entries.items()) + f"{logs}/loose.csv\n")
    paths = sorted(str(path) for path in logs.rglob("*.csv"))
    placement = placed(paths, [f"@{listed}"], RANGE)
    assert names(logs, placement.paths) == ["a/p.csv", "c/part/p.csv", "d/p.csv", "loose.csv"]
    assert [placement.slice_of(path) for path in placement.paths] == [1, 0, 1, None]
    assert names(logs, placement.left_out) == ["b"] and not placement.unknown
