"""One permission of each role is taken away in turn, on the local AWS; exits with 1 if a run does not name it.

A role of which the runs ask nothing fails it as well: each is reached.
Lists every permission by how it is noticed, and compares what jobs and functions ask for with works.yaml.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from localaws.cli.process import LocalAws
from tests.localaws.running import new_local_aws, start_with_role
from tests.permissions.mutations import Plan, outcomes, plan
from tests.permissions.runs import RUNS, simulated
from tests.permissions.works import undeclared
from tests.permissions.world import World, build


@click.command()
@click.option("--seed", default=1, show_default=True, help="What draws one permission of each role.")
@click.option("--all", "every", is_flag=True, help="Take away every permission that is noticed, not one of each role.")
@click.option("--run", "names", multiple=True, type=click.Choice(list(RUNS)), help="Do these runs only; repeatable.")
def main(seed: int, every: bool, names: tuple[str, ...]) -> None:
    """Take permissions away, and see what fails."""
    with tempfile.TemporaryDirectory() as folder:
        running: list[LocalAws] = []

        def start(step_bin: Path, **variables: str) -> LocalAws:
            running.append(new_local_aws(Path(folder) / "aws", step_bin, **variables))
            start_with_role(running[0])
            return running[0]

        try:
            world = build(start, Path(folder), "--customer-360")
            simulated(world)
            found = plan(world, [name for name in RUNS if name in (names or RUNS)])
            missed = tried(world, found, seed, every)
            unreached = [] if names else sorted({*world.statements} - {one.role for one in found.noticeable})
            lacking = undeclared(world)
        finally:
            for local in running:
                local.stop()
    for role in unreached:
        click.echo(f"role of which nothing is asked: {role}")
    for one in lacking:
        click.echo(f"asked for, and not in works.yaml: {one}")
    sys.exit(1 if missed or lacking or unreached else 0)


def tried(world: World, found: Plan, seed: int, every: bool) -> int:
    """Prints what is noticed and what is not; the number of permissions that nothing missed, though they are needed."""
    chosen = found.chosen(seed, every)
    missed = 0
    for outcome in outcomes(world, chosen):
        click.echo(str(outcome))
        missed += not outcome.is_noticed
    for permission in found.unchecked:
        click.echo(f"not noticed locally, {permission.unchecked}: {permission}")
    for permission in found.unasked:
        click.echo(f"not asked for in these runs: {permission}")
    counts = {
        "roles": len({one.role for one in chosen}),
        "taken away": len(chosen),
        "missed": missed,
        "noticeable": len(found.noticeable),
        "not noticed locally": len(found.unchecked),
        "not asked for in these runs": len(found.unasked),
    }
    click.echo(", ".join(f"{name}: {number}" for name, number in counts.items()))
    return missed


if __name__ == "__main__":
    main()
