"""Retries and polls: what is tried again, when they end, what they say, and that nothing stops an interrupt."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

import pytest

from common.errors import CommitError
from common.retries import Retries, TryAgainError, polled, retried

FAST = Retries(tries=5, first_pause_seconds=0.001, longest_pause_seconds=0.002)


class Work:
    """Work that raises the given errors, one at each try, and then returns the number of tries."""

    def __init__(self, errors: Iterable[BaseException]) -> None:
        self._errors = list(errors)
        self.tries = 0

    def __call__(self) -> int:
        self.tries += 1
        if self.tries <= len(self._errors):
            raise self._errors[self.tries - 1]
        return self.tries


def tried(work: Callable[[], int], retries: Retries = FAST) -> int:
    return retried(
        "a commit to table fg_a",
        work,
        retries,
        again=lambda error: "conflict" in str(error),
        failure=CommitError,
        remedy="Run again",
    )


def test_work_is_tried_again_after_the_errors_that_may_pass() -> None:
    assert tried(Work([OSError("conflict"), TryAgainError("overtaken"), ValueError("conflict")])) == 4


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt("conflict"), SystemExit("conflict")])
def test_other_errors_and_interrupts_pass_through_at_once(error: BaseException) -> None:
    work = Work([error])
    with pytest.raises(type(error)) as raised:
        tried(work)
    assert (raised.value, work.tries) == (error, 1)


def test_the_last_error_names_the_work_the_tries_and_the_cause() -> None:
    work = Work([OSError(f"conflict {number}") for number in range(9)])
    with pytest.raises(CommitError) as raised:
        tried(work)
    assert work.tries == FAST.tries
    head, tail = str(raised.value).split(" times in ")
    assert head == "a commit to table fg_a failed 5"
    assert tail.endswith(" s, the last time because of: conflict 4. Run again")


def test_no_try_begins_after_the_time_is_over() -> None:
    work = Work([OSError("conflict")] * 9)
    with pytest.raises(CommitError, match="failed 1 times"):
        tried(work, Retries(tries=5, first_pause_seconds=0.001, longest_pause_seconds=0.002, seconds=0))


def test_pauses_grow_and_are_random(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of the pauses are 1, 2, 4, 5 and 5 s; each pause lies anywhere between 0 and its limit."""
    pauses: list[list[float]] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: pauses[-1].append(seconds))
    for _ in range(200):
        pauses.append([])
        tried(Work([OSError("conflict")] * 5), Retries(tries=6, first_pause_seconds=1, longest_pause_seconds=5))
    for number, limit in enumerate((1, 2, 4, 5, 5)):
        found = [pause[number] for pause in pauses]
        assert 0 <= min(found) < 0.1 * limit
        assert 0.9 * limit < max(found) <= limit


def test_the_third_try_is_a_warning_and_those_that_follow_soon_are_not(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "common.retries"):
        tried(Work([OSError("conflict")] * 4))
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "WARNING", "INFO"]
    assert caplog.messages[2].startswith("a commit to table fg_a did not succeed: conflict; try 4 of 5 begins in 0.0")


def test_a_long_pause_is_a_warning(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr("random.uniform", lambda _, limit: limit)
    tried(Work([OSError("conflict")]), Retries(tries=2, first_pause_seconds=2, longest_pause_seconds=9))
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_poll_returns_what_is_found_even_if_it_is_false() -> None:
    for answer in (0, False, "", "done"):
        looks: list[object] = [None, None, answer]
        assert polled("it", lambda left=looks: left.pop(0), first_pause_seconds=0.001) is answer  # type: ignore[misc]


def test_a_poll_ends_after_its_looks_or_its_time() -> None:
    looks = Work([])
    assert polled("it", lambda: None if looks() else 0, first_pause_seconds=0, looks=3) is None
    assert looks.tries == 3
    began = time.monotonic()
    assert polled("it", lambda: None, first_pause_seconds=0.01, seconds=0.05) is None
    assert time.monotonic() - began >= 0.04


def test_a_long_poll_says_what_it_waits_for(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: clock.append(clock.pop() + seconds))
    with caplog.at_level(logging.INFO, "common.retries"):
        polled("the Spark master at algo-1:7077", lambda: None, first_pause_seconds=10, seconds=95)
    assert caplog.messages == [
        f"waiting for the Spark master at algo-1:7077, {seconds} s so far" for seconds in (30, 60)
    ]


def test_the_library_is_loaded_by_the_first_retry_only() -> None:
    """It costs a command 0.05 s."""
    import subprocess
    import sys

    code = "import common.retries, sys; sys.exit('tenacity' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
