"""The page docs/cost.md: tables of the figures, the goals, and where everything is from."""

from __future__ import annotations

from collections.abc import Iterable

from bench.cost import day, published
from bench.cost.figures import P95_MINUTES, P95_MINUTES_DOUBLED, TIMES_FEWER, Result, goals
from bench.cost.machines import CALL_SECONDS, ORCHESTRATION, STATE_SECONDS
from pipelines.tasks import SIZES

INTRODUCTION = f"""\
# Delay and cost on AWS

`python -m bench.cost --write` writes this page, from a simulation; nothing here was measured on AWS. It goes through
the state machines as their definitions in `statemachines/` say, state by state: polls, waits, locks and transitions are
theirs, and change with them. Start times are drawn from [published figures](#sources).

The day of one project: {day.WINDOWS} windows of 15 minutes with one batch each; {len(day.LATE)} more batches that come
late, half a minute to three hours after the first of their window; {len(day.DOUBLE)} events that come twice; a late
batch of the day before; one job of features that fails, and whose event is sent again {day.SENT_AGAIN_AFTER // 60}
minutes later; and from 09:00 a backfill of the {day.BACKFILLED_DAYS} days before, in
{ORCHESTRATION["backfill_parallelism"]} jobs at once. A poll is every {ORCHESTRATION["poll_seconds"]} s, the default.

- **Stepwise**: six jobs a window, or as tasks three: features, predictions, join. **Fused**: one job from the deltas to
  the staged join, and one that publishes it.
- A backfill has one job for the deltas of a day, and one for its features.
"""

DELAYS = """\
## From event to publication

Minutes, with start times as published, and with every start time doubled. The longest is that of
the window that failed, or of a late batch that waits for a run of its window.
"""

USAGES = """\
## Jobs and prices of a day

Billed is what AWS bills, occupied the time from the request of a job to its end. Prices are list prices of us-east-1,
of jobs and of state transitions; DynamoDB, S3, logs, volumes and the network are left out.
"""

GOALS = """\
## Goals

A p95 of at most {p95} minutes, and of {doubled} with start times doubled; instance hours {times} times fewer than those
of {base}. The last three columns say how many times fewer they are,
with start times as published.
"""

DELAY = ("form", "p50", "p95", "longest", "p50 doubled", "p95 doubled", "longest doubled")
USAGE = ("form", "jobs", "hours billed", "occupied", "vCPU hours billed", "transitions", "jobs, $", "transitions, $")
FEWER = ("live_billed", "live_occupied", "all_billed")


def page(results: list[Result]) -> str:
    """The whole page; `results` has each form with start times as published, and with all of them doubled."""
    once, doubled = ([result for result in results if result["slower"] == slower] for slower in (1, 2))
    delays = ((one["form"], *_minutes(one), *_minutes(two)) for one, two in zip(once, doubled, strict=True))
    return "\n".join(
        (
            INTRODUCTION,
            DELAYS,
            *_table(DELAY, delays),
            USAGES,
            "The live windows:\n",
            *_usage(once, "live"),
            f"The backfill of {day.BACKFILLED_DAYS} days beside them:\n",
            *_usage(once, "backfill"),
            "With every start time doubled, the live windows:\n",
            *_usage(doubled, "live"),
            "and the backfill:\n",
            *_usage(doubled, "backfill"),
            GOALS.format(
                p95=P95_MINUTES,
                doubled=P95_MINUTES_DOUBLED,
                times=TIMES_FEWER,
                base=once[0]["form"],
            ),
            *_goals(once, doubled),
            "## What is assumed\n",
            *_assumed(),
            "\n## Start times\n",
            "Seconds from the request of a job to the start of its program, at shares of all starts; between them,",
            "times are drawn in a straight line. The pull of the image is billed, what comes before is not.\n",
            *_table(
                ("runner", "before the pull", "pull, or cold start"),
                ((runner.title, _points(runner.before), _points(runner.pull)) for runner in published.RUNNERS.values()),
            ),
            "## Sources\n",
            "Looked up in November 2026, in stored copies of these pages.\n",
            *_table(
                ("what", "taken from it", "address"),
                ((what, taken, f"<{address}>") for what, taken, address in published.SOURCES),
                align="---",
            ),
        )
    )


def _minutes(result: Result) -> tuple[str, ...]:
    return tuple(f"{result[f'{name}_minutes']:.1f}" for name in ("p50", "p95", "longest"))


def _points(points: published.Quantiles) -> str:
    return ", ".join(f"{seconds:g} ({share:.0%})" for share, seconds in points)


def _usage(results: list[Result], part: str) -> list[str]:
    def row(result: Result) -> tuple[str, ...]:
        figures = result[part]
        hours = (f"{figures[name]:,.1f}" for name in ("billed_hours", "occupied_hours", "vcpu_hours"))
        dollars = (f"{figures[name]:,.2f}" for name in ("dollars_of_jobs", "dollars_of_transitions"))
        more = (f"{figures['hours']:,.1f}",) if part == "backfill" else ()
        return (result["form"], f"{figures['jobs']:,}", *hours, f"{figures['transitions']:,}", *dollars, *more)

    return _table((*USAGE, "takes, hours") if part == "backfill" else USAGE, map(row, results))


def _goals(once: list[Result], doubled: list[Result]) -> list[str]:
    def row(one: Result, two: Result) -> tuple[str, ...]:
        found = goals(one, two, once[0])
        in_time = (_marked("yes" if found[name] else "no", found[name]) for name in ("in_time", "in_time_doubled"))
        return (one["form"], *in_time, *(_marked(f"{found[name]}", found[name] >= TIMES_FEWER) for name in FEWER))

    times = (f"p95 ≤ {P95_MINUTES} min", f"doubled ≤ {P95_MINUTES_DOUBLED} min")
    names = ("form", *times, "live, billed", "live, occupied", "with backfill, billed")
    return _table(names, (row(one, two) for one, two in zip(once, doubled, strict=True)))


def _marked(text: str, reached: bool) -> str:
    return f"**{text}**" if reached else text


def _assumed() -> Iterable[str]:
    taken = {name: SIZES[name] for name in published.SAGEMAKER_HOUR}
    sizes = ", ".join(f"{vcpus} vCPU and {gib} GB for {name}" for name, (vcpus, gib) in taken.items())
    apart = ("staged join", "ndr-extractor")
    stages = sum(seconds for name, seconds in published.WINDOW_SECONDS.items() if name not in apart)
    publishing, extracting = (published.WINDOW_SECONDS[name] for name in apart)
    yield f"""\
- A state takes {STATE_SECONDS} s, a call {CALL_SECONDS} s more. No call fails, and no quota of an account is reached.
- The definitions have tasks, and no functions: these are simulated in the place of tasks.
- A task or function has, by the instance in the pipeline of the same work, {sizes}.
- The work is that of 60 hosts, measured on two cores: {stages:.1f} s for all stages of a window, and
  {published.PROCESS_SECONDS} s to start and end each process. Not measured: {publishing} s to publish a staged join,
  {extracting:g} s to find the windows of a backfill; a day of it takes what the benchmark allows, 180 s for a week.
- An image has {published.IMAGE_MB} MB, and its pull takes longer than that of the published one of
  {published.FARGATE_IMAGE_MB} MB in proportion. Registries keep images compressed, so that a real pull is shorter.
- A batch is complete up to a minute after the end of its window. The seed is fixed: the page is the same each time."""


def _table(names: Iterable[str], rows: Iterable[Iterable[str]], align: str = "---:") -> list[str]:
    head = list(names)
    marks = "|".join(("---", *(align,) * (len(head) - 1)))
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return [lines[0], f"|{marks}|", *lines[1:], ""]
