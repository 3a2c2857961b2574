import re
from collections.abc import Sequence

from common.config.orchestration import MOST_WINDOWS
from common.windows import WINDOW, Windows
from jobs.if_training.backfill import NAME_MOST, execution_name, requests
from tests.jobs.if_training.lakes import span
from tests.types import Row


def made(windows: Sequence[Windows], round_number: int = 1, run_id: str = "run-1") -> list[Row]:
    return requests("acme", "v1", run_id, round_number, windows)


def test_a_request_is_the_input_of_the_state_machine() -> None:
    windows = list(span(5))
    (request,) = made([windows[1], windows[3]])
    assert request == {
        "project_name": "acme",
        "feature_spec_version": "v1",
        "start_ts_iso": "2026-03-10T00:23:00Z",
        "end_ts_iso": "2026-03-10T01:08:00Z",
        "windows": ["20260310T0023Z", "20260310T0053Z"],
        "request_id": execution_name("run-1", 1, ["20260310T0023Z", "20260310T0053Z"]),
    }


def test_consecutive_windows_are_named_as_a_range() -> None:
    windows = list(span(6))
    (request,) = made([windows[0], windows[1], windows[2], windows[4]])
    assert request["windows"] == ["20260310T0008Z/20260310T0053Z", "20260310T0108Z"]


def test_a_request_spans_at_most_100_days() -> None:
    windows = list(span(MOST_WINDOWS * 2 + 580))
    found = made(windows)
    assert [len(Windows.parse(request["windows"][0])) for request in found] == [9600, 9600, 580]
    assert found[0]["end_ts_iso"] == found[1]["start_ts_iso"] == "2026-06-18T00:08:00Z"
    assert all(len(request["windows"]) == 1 for request in found)


def test_the_span_counts_and_not_the_number_of_windows() -> None:
    """Two windows that are 9,600 apart span 9,601."""
    windows = list(span(MOST_WINDOWS + 1))
    assert len(made([windows[0], windows[-2]])) == 1
    assert len(made([windows[0], windows[-1]])) == 2


def test_the_order_of_the_windows_does_not_matter() -> None:
    windows = list(span(7))
    assert made(windows) == made(windows[::-1])


def test_a_name_follows_from_run_round_and_windows() -> None:
    names = {
        execution_name(run, number, keys)
        for run in ("run-1", "run-2")
        for number in (1, 2)
        for keys in (["20260310T0023Z"], ["20260310T0038Z"])
    }
    assert len(names) == 8
    assert execution_name("run-1", 1, ["a", "b"]) == execution_name("run-1", 1, ["a", "b"])


def test_a_name_is_one_that_step_functions_takes() -> None:
    name = execution_name("r" * 90 + ".1_2", 2, ["20260310T0023Z"])
    assert len(name) == NAME_MOST
    assert re.fullmatch(r"[A-Za-z0-9-]{1,80}", name)
    assert re.fullmatch(r"[A-Za-z0-9-]{1,80}", execution_name("a.b_c", 1, []))


def test_a_request_says_where_its_windows_end() -> None:
    (request,) = made(list(span(1)))
    assert request["start_ts_iso"] == "2026-03-10T00:08:00Z"
    assert request["end_ts_iso"] == f"{span(1).start + WINDOW:%Y-%m-%dT%H:%M:%SZ}"
