"""The long run against loss, doubling and damage; it can be ended at any time, and goes on when it is started again.

Kills commands and state machines at random moments, explores schedules of the state machines, and reads damaged files.
Writes what it found into docs/reliability.md, and exits with 1 if anything was wrong.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click

from tests.torture import blocks, kills, machines, report
from tests.torture.progress import Progress
from tests.torture.world import World, build

REPOSITORY = Path(__file__).resolve().parents[2]
MACHINE_SHARE = 0.1
"""Share of the kills that hit a state machine, each of which takes as long as several commands."""

Trial = Callable[[int], Any]


@click.command()
@click.option(
    "--kills",
    "kill_count",
    default=500,
    show_default=True,
    help="Number of kills; some come too late.",
)
@click.option("--schedules", "schedule_count", default=10_000, show_default=True, help="Number of schedules.")
@click.option("--files", "file_count", default=5_000, show_default=True, help="Number of damaged files.")
@click.option("--workers", default=2, show_default=True, help="Number of commands that run at the same time.")
@click.option("--folder", type=click.Path(path_type=Path), default=REPOSITORY / "build" / "torture", show_default=True)
def main(kill_count: int, schedule_count: int, file_count: int, workers: int, folder: Path) -> None:
    """Run what is still missing of the commit, then write the report."""
    folder.mkdir(parents=True, exist_ok=True)
    commit = report.commit(REPOSITORY)
    progress = Progress(folder / "progress.jsonl", commit)
    _do(progress, "schedules", -(-schedule_count // blocks.BLOCK), blocks.schedules)
    _do(progress, "files", -(-file_count // blocks.BLOCK), blocks.files)
    world = build(folder / f"world-{commit}")
    trials = -(-kill_count // kills.IN_A_ROW)
    of_machines = round(trials * MACHINE_SHARE)
    with ThreadPoolExecutor(workers) as pool:
        _kill_commands(progress, world, trials - of_machines, folder, pool)
    _kill_machines(progress, world, of_machines, folder / f"plane-{commit}")
    found = report.Figures.of(progress)
    report.write(REPOSITORY / "docs" / "reliability.md", found)
    click.echo(found.text)
    sys.exit(1 if found.wrong else 0)


def _kill_commands(progress: Progress, world: World, count: int, folder: Path, pool: ThreadPoolExecutor) -> None:
    victims = kills.victims(world)
    if not any(True for _ in progress.missing("commands", count)):
        return
    place = folder / "kills"
    usual = [kills.duration(victim, place) for victim in victims]

    def trial(number: int) -> kills.Outcome:
        at = number % len(victims)
        return kills.try_kills(victims[at], number, place, usual[at])

    _do(progress, "commands", count, trial, pool.map)


def _kill_machines(progress: Progress, world: World, count: int, folder: Path) -> None:
    if not any(True for _ in progress.missing("machines", count)):
        return
    plane = machines.deployed(world, folder)
    usual = [machines.undisturbed(world, plane, machine) for machine in machines.MADE]

    def trial(number: int) -> kills.Outcome:
        at = number % len(usual)
        return machines.try_kills(world, plane, number, list(machines.MADE)[at], usual[at])

    _do(progress, "machines", count, trial)


def _do(
    progress: Progress,
    part: str,
    count: int,
    trial: Trial,
    through: Callable[[Trial, list[int]], Iterator[Any]] = map,
) -> None:
    """Does and records those of the first trials of a part that are still missing."""
    missing = list(progress.missing(part, count))
    began = time.monotonic()
    for done, (number, result) in enumerate(zip(missing, through(trial, missing), strict=True), start=1):
        progress.record(part, number, result)
        if result.wrong:
            click.echo(f"{part} {number}: {result.wrong}")
        if sys.stderr.isatty() or done in (1, len(missing)):
            click.echo(f"{part}: {done} of {len(missing)}, {time.monotonic() - began:.0f} s", err=True)


if __name__ == "__main__":
    main()
