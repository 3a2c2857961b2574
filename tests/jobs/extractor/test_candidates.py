"""Batches to the batches of windows."""

from __future__ import annotations

from common.windows import Windows
from jobs.extractor.candidates import Candidate, by_window
from tests.factories import utc

FIRST, SECOND = Windows.parse("2026-03-10T13:08Z/2026-03-10T13:38Z")


def batch(event: str, path: str, name: str | None = None) -> Candidate:
    return Candidate(utc(f"2026-03-10T{event}"), path, name or path)


def test_a_batch_belongs_to_the_window_that_its_event_closes() -> None:
    found, repeated = by_window([batch("13:38:05", "b"), batch("13:23:00", "a"), batch("13:37:59", "c")], [FIRST])
    assert {window: [member.path for member in members] for window, members in found.items()} == {FIRST: ["a", "c"]}
    assert repeated == []


def test_a_folder_counts_in_the_window_of_its_first_event() -> None:
    found, repeated = by_window([batch("13:38:05", "a"), batch("13:23:05", "a")], [FIRST, SECOND])
    assert list(found) == [FIRST]
    assert repeated == [("a", f"reported again for window {SECOND}; it counts in {FIRST}")]


def test_folders_with_one_id_are_batches_of_their_own() -> None:
    found, repeated = by_window([batch("13:23:09", "b", "x"), batch("13:23:05", "a", "x")], [FIRST])
    assert [member.path for member in found[FIRST]] == ["a", "b"]
    assert repeated == []


def test_a_folder_that_is_recorded_twice_in_a_window_counts_once() -> None:
    found, repeated = by_window([batch("13:23:09", "a"), batch("13:23:05", "a")], [FIRST])
    assert [member.path for member in found[FIRST]] == ["a"] and repeated == []


def test_the_same_id_in_another_window_is_another_batch() -> None:
    found, repeated = by_window([batch("13:23:05", "a", "x"), batch("13:38:05", "b", "x")], [FIRST, SECOND])
    assert list(found) == [FIRST, SECOND] and repeated == []


def test_repeats_among_windows_that_nobody_asked_for_are_not_reported() -> None:
    assert by_window([batch("12:23:05", "a"), batch("12:38:05", "a")], [FIRST]) == ({}, [])
