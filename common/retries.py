"""The policy of retries and polls: pauses that grow, bounds of tries and time, and a word on each longer wait.

Calls of AWS are retried by its SDK, as `common.aws.clients` configures it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from common.errors import NdrError, first_line

if TYPE_CHECKING:
    from tenacity import RetryCallState

Result = TypeVar("Result")
LOG = logging.getLogger(__name__)

QUIET_TRIES, QUIET_SECONDS = 2, 2.0
"""Failed tries, and seconds of waiting, that are normal: a wait beyond them is a warning."""

SECONDS_BETWEEN_WARNINGS = 5.0
SECONDS_BETWEEN_POLL_MESSAGES = 30.0


class TryAgainError(Exception):
    """The work could not be done now, and nothing is wrong with it."""


@dataclass(frozen=True)
class Retries:
    """How a failed try is repeated: after a random pause, whose limit doubles from the first to the longest.

    No try begins after `tries` of them, or after `seconds` since the first began.
    """

    tries: int
    first_pause_seconds: float
    longest_pause_seconds: float
    seconds: float = 1800.0


def retried(
    what: str,
    work: Callable[[], Result],
    retries: Retries,
    *,
    again: Callable[[Exception], bool] = lambda _: False,
    failure: type[NdrError],
    remedy: str,
) -> Result:
    """What the work returns, once a try succeeds; it is repeated after `TryAgainError`, and errors that `again` names.

    All other errors, and interrupts, pass through at once.

    Args:
        what: names the work, like `commit to table fg_a`; for messages.
        work: one try.
        retries: how often and how long to try.
        again: whether another try may succeed after an error.
        failure: the class of the error of the last try.
        remedy: what to do after it.

    Raises:
        NdrError: of the class `failure`, if all tries failed.
    """
    import tenacity

    def is_transient(error: BaseException) -> bool:
        return isinstance(error, TryAgainError) or (isinstance(error, Exception) and again(error))

    def given_up(state: RetryCallState) -> Result:
        error = cast(Exception, state.outcome.exception()) if state.outcome else TryAgainError()
        problem = f"{what} failed {state.attempt_number} times in {state.seconds_since_start or 0:.1f} s"
        raise failure(f"{problem}, the last time because of: {first_line(error)}", remedy) from error

    trying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(is_transient),
        wait=tenacity.wait_random_exponential(retries.first_pause_seconds, retries.longest_pause_seconds),
        stop=tenacity.stop_after_attempt(retries.tries) | tenacity.stop_after_delay(retries.seconds),
        before_sleep=_Warnings(what, retries),
        retry_error_callback=given_up,
    )
    return trying(work)


def polled(
    what: str,
    look: Callable[[], Result | None],
    *,
    first_pause_seconds: float,
    longest_pause_seconds: float | None = None,
    seconds: float | None = None,
    looks: int | None = None,
) -> Result | None:
    """What `look` returns, once it is not None; None if it still is after `seconds`, or after so many looks.

    Args:
        what: names what is waited for; for messages.
        look: one look; its errors pass through.
        first_pause_seconds: the first pause between two looks; each is twice as long as the one before.
        longest_pause_seconds: their limit; None means that all are as long as the first.
        seconds: how long to wait; None means for ever.
        looks: how often to look; None means without a limit.
    """
    import tenacity

    stops: list[Any] = [tenacity.stop_before_delay(seconds)] if seconds is not None else []
    stops += [tenacity.stop_after_attempt(looks)] if looks is not None else []

    polling = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda found: found is None),
        wait=tenacity.wait_exponential(first_pause_seconds, longest_pause_seconds or first_pause_seconds),
        stop=tenacity.stop_any(*stops),
        before_sleep=_PollMessages(what),
        retry_error_callback=lambda _: None,
    )
    return polling(look)


@dataclass
class _Warnings:
    """Says that a try failed, and how long the pause before the next is; warnings only now and then."""

    what: str
    retries: Retries
    _next: float = 0.0

    def __call__(self, state: RetryCallState) -> None:
        waited, error = state.seconds_since_start or 0.0, state.outcome and state.outcome.exception()
        is_long = state.attempt_number > QUIET_TRIES or state.idle_for >= QUIET_SECONDS
        is_due = is_long and waited >= self._next
        if is_due:
            self._next = waited + SECONDS_BETWEEN_WARNINGS
        LOG.log(
            logging.WARNING if is_due else logging.INFO,
            "%s did not succeed: %s; try %d of %d begins in %.1f s",
            self.what,
            first_line(error) if error else "",
            state.attempt_number + 1,
            self.retries.tries,
            _pause(state),
        )


@dataclass
class _PollMessages:
    """Says now and then what is waited for, and how long."""

    what: str
    _next: float = SECONDS_BETWEEN_POLL_MESSAGES

    def __call__(self, state: RetryCallState) -> None:
        waited = state.seconds_since_start or 0.0
        if waited >= self._next:
            self._next = waited + SECONDS_BETWEEN_POLL_MESSAGES
            LOG.info("waiting for %s, %.0f s so far", self.what, waited)


def _pause(state: Any) -> float:
    return float(state.next_action.sleep) if state.next_action else 0.0
