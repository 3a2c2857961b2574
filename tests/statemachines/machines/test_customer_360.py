"""What the machine of Customer 360 gives its jobs, says at its end, and says when one fails."""

from __future__ import annotations

import json

import pytest

from tests.statemachines.machines.cases import cases, walked
from tests.statemachines.machines.samples import CUSTOMER_360
from tests.statemachines.machines.walker import Walk


def way(name: str) -> Walk:
    return cases(CUSTOMER_360)[name][1]


def test_the_jobs_run_one_after_the_other_for_the_day_before_the_schedule() -> None:
    found = way("usual")
    assert found.states == ["ResolveAsOf", "AsOfChoice", "GlueJobA", "GlueJobB", "Published"]
    (clean,), (staging,) = found.arguments["GlueJobA"], found.arguments["GlueJobB"]
    assert clean == {"JobName": "ndr-c360-clean", "Arguments": {"--LOAD_DATE": "2026-03-10"}}
    arguments = {"--AS_OF": "2026-03-10", "--ACCEPT_SHRINK": "false"}
    assert staging == {"JobName": "ndr-c360-staging", "Arguments": arguments}


@pytest.mark.parametrize(
    ("time", "day"),
    [("2026-03-01T00:00:00Z", "2026-02-28"), ("2026-01-01T02:00:00Z", "2025-12-31")],
)
def test_the_day_before_is_one_of_the_calendar(time: str, day: str) -> None:
    (given,) = walked(CUSTOMER_360, {"time": time}).arguments["GlueJobA"]
    assert given["Arguments"] == {"--LOAD_DATE": day}


def test_the_output_says_of_which_day_it_is() -> None:
    assert way("usual").output == {"as_of": "2026-03-10"}


def test_a_day_may_be_named_and_fewer_customers_accepted() -> None:
    (given,) = way("by-date").arguments["GlueJobB"]
    assert given["Arguments"] == {"--AS_OF": "2026-03-10", "--ACCEPT_SHRINK": "true"}


@pytest.mark.parametrize("case", ["no-day", "no-date", "no-time"])
def test_without_a_day_no_job_runs(case: str) -> None:
    found = way(case)
    assert (found.status, found.error, set(found.arguments)) == ("FAILED", "Ndr.InvalidInput", {"SendFailureAlert"})
    assert found.cause.startswith("the input has neither as_of, ")


@pytest.mark.parametrize(
    ("case", "job", "not_reached"),
    [("GlueJobA-fails", "ndr-c360-clean", "GlueJobB"), ("GlueJobB-fails", "ndr-c360-staging", "Published")],
)
def test_the_first_failure_ends_it_and_is_said(case: str, job: str, not_reached: str) -> None:
    found = way(case)
    cause = f"job {job}, run jr_1, ended as FAILED: 2 of 10 rows are rejected"
    assert (found.status, found.error, found.cause) == ("FAILED", "Ndr.Customer360JobFailed", cause)
    assert not_reached not in found.states
    (alert,) = found.arguments["SendFailureAlert"]
    message = json.loads(alert["Message"])
    assert (message["as_of"], message["cause"]) == ("2026-03-10", cause)
    assert message["what_to_do"].endswith("ndr-statemachines backfill customer-360 2026-03-10")
