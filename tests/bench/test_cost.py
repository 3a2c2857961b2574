"""The simulated day: polls, locks and prices are those of the definitions and tables, and the page is up to date."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bench.cost.__main__ import PAGE, SEED, simulated
from bench.cost.day import BACKFILL, FAILING, LIVE, SENT_AGAIN_AFTER, Day, at_share
from bench.cost.figures import goals
from bench.cost.forms import Form, steps_of
from bench.cost.machines import PUBLICATION, TRUTHS, Execution, Job
from bench.cost.page import page
from bench.cost.published import RUNNERS
from statemachines.definitions import definition_of, states_of

POLLED = Form("pipelines", fused=False)
TASKS = Form("tasks", fused=True)


class Steady(Day):
    """A day whose jobs take 95 seconds each, and the states that were entered."""

    states: list[str]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.states = []

    def visited(self, execution: Execution, name: str) -> None:
        super().visited(execution, name)
        self.states.append(name)

    def start_job(self, execution: Execution, work: str, at: float) -> Job:
        job = super().start_job(execution, work, at)
        return Job(at + 95, job.succeeds)


def after(form: Form, *events: tuple[str, int, float]) -> Steady:
    day = Steady(form, SEED)
    for event in events:
        day.event(*event)
    day.clock.run()
    return day


@pytest.mark.slow
def test_the_page_is_what_the_command_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(simulated(SEED)), "run python -m bench.cost --write"


def test_a_pipeline_is_polled_as_the_definition_says() -> None:
    day = after(POLLED, ("a", 0, 0))
    # a poll each 30 s and some: at 0, 30, 61, 91, and at 121 the job of 95 s has ended
    assert day.states.count("DescribeJoinPipeline") == 5
    assert day.states.count("WaitBeforeJoinDescribe") == 4
    assert day.usage["live"].transitions == len(day.states)
    # three jobs that are seen to end after 121 s, and a few seconds of states
    assert 3 * 121 < day.delays["a"] < 3 * 121 + 15


def test_a_task_is_one_state() -> None:
    day = after(TASKS, ("a", 0, 0))
    assert [name for name in day.states if re.match("Describe|WaitBefore|Increment", name)] == []
    assert [name for name in day.states if name.endswith("Task")] == ["RunFeaturesTask", "RunJoinTask"]
    assert 2 * 95 < day.delays["a"] < 2 * 95 + 15
    assert day.usage["live"].jobs == 2


def test_as_tasks_a_stepwise_window_is_three_jobs() -> None:
    day = after(Form("tasks", fused=False), ("a", 0, 0))
    runs = [name for name in day.states if name.endswith("Task")]
    assert runs == ["RunFeaturesTask", "RunInferenceTask", "RunJoinTask"]
    assert day.usage["live"].jobs == 3


def test_a_double_event_publishes_nothing_again() -> None:
    day = after(TASKS, ("a", 0, 0), ("a", 0, 10))
    assert day.states.count("EmitPublicationEvent") == 1
    assert day.suppressed == 1


def test_a_batch_that_is_there_in_time_is_taken_along_and_a_later_one_waits() -> None:
    day = after(TASKS, ("a", 0, 0), ("b", 0, 0.1), ("c", 0, 60))
    assert day.states.count("EmitPublicationEvent") == 2
    assert day.delays["a"] - day.delays["b"] == pytest.approx(0.1)
    assert day.suppressed == 1
    assert day.delays["c"] > day.delays["a"] - 60 + 2 * 95


def test_a_failed_window_is_published_when_its_event_is_sent_again() -> None:
    day = after(TASKS, ("a", FAILING, 0))
    assert day.states.count("WorkflowFailed") == 1
    assert day.delays["a"] > 95 + SENT_AGAIN_AFTER + 2 * 95


def test_a_range_has_the_locks_of_all_its_windows() -> None:
    day = Day(TASKS, SEED)
    of_range, live = Execution(day, "backfill", (-2, -1)), Execution(day, "live", (-1,), "a")
    assert day.acquire(of_range)
    assert not day.acquire(live)
    day.release(of_range)
    assert day.acquire(live)
    assert not day.acquire(of_range)


def test_a_day_publishes_each_batch_once() -> None:
    day = Day(TASKS, SEED).run()
    assert len(day.delays) == 96 + 8 + 1
    assert day.suppressed == 5
    # 105 batches in two jobs each and one that failed; an extractor, and two jobs for each of 30 days
    assert (day.usage["live"].jobs, day.usage["backfill"].jobs) == (211, 61)


def test_doubled_start_times_take_longer() -> None:
    once, doubled = (Day(TASKS, SEED, slower).run() for slower in (1, 2))
    assert once.usage["live"].occupied < doubled.usage["live"].occupied < 2 * once.usage["live"].occupied


@pytest.mark.parametrize(("share", "seconds"), [(0, 10), (0.25, 15), (0.5, 20), (0.75, 30), (1, 40)])
def test_times_are_drawn_between_the_points(share: float, seconds: float) -> None:
    assert at_share(((0, 10), (0.5, 20), (1, 40)), share) == seconds


@pytest.mark.parametrize(
    ("runner", "dollars"),
    [("pipelines", 0.23), ("tasks", 2 * 0.04048 + 4 * 0.004445), ("functions", 4 * 3600 * 0.0000166667 + 0.0000002)],
)
def test_an_hour_costs_its_list_price(runner: str, dollars: float) -> None:
    assert RUNNERS[runner].price("ml.m5.xlarge", 3600) == pytest.approx(dollars)


def test_goals_compare_with_the_first_form() -> None:
    def result(p95: float, live: float, backfill: float) -> dict[str, Any]:
        hours = {"billed_hours": live, "occupied_hours": 2 * live}
        return {"p95_minutes": p95, "live": hours, "backfill": {"billed_hours": backfill}}

    assert goals(result(5, 2, 2), result(8.1, 4, 4), result(40, 10, 50)) == {
        "in_time": True,
        "in_time_doubled": False,
        "live_billed": 5,  # 10 / 2
        "live_occupied": 5,  # 20 / 4
        "all_billed": 15,  # 60 / 4
    }


def test_each_decided_condition_is_in_a_definition() -> None:
    machines = (LIVE, PUBLICATION, BACKFILL)
    states = [state for name in machines for _, state in states_of(definition_of(name))]
    texts = [rule["Condition"][2:-2].strip() for state in states for rule in state.get("Choices", [])]
    missing = [pattern for pattern in TRUTHS if not any(re.search(pattern, text) for text in texts)]
    assert missing == []


def test_steps_are_those_of_the_pipelines() -> None:
    assert [command for command, _ in steps_of("ndr-15m-streaming")] == [
        "ndr-delta",
        "ndr-fg-a",
        "ndr-pair-counts",
        "ndr-fg-c",
    ]
    assert steps_of("ndr-inference-predictions") == (("ndr-inference", "ml.m5.large"),)
