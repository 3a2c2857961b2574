"""What a day of a project takes and costs on AWS, for each runner and form.

A simulation of the committed state machines with published start times, which are in `published.py` with their sources.
Usage: `python -m bench.cost [--seed 1] [--json | --write]`; it prints docs/cost.md, or writes it.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from bench.cost.day import Day
from bench.cost.figures import Result, result_of
from bench.cost.forms import FORMS
from bench.cost.page import page

PAGE = Path(__file__).parents[2] / "docs" / "cost.md"
SEED = 1


def simulated(seed: int) -> list[Result]:
    """The figures of each form, with start times as published and doubled."""
    return [result_of(Day(form, seed, slower).run()) for slower in (1, 2) for form in FORMS]


@click.command()
@click.option("--seed", type=int, default=SEED, show_default=True, help="Of the times that are drawn.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, a line for each form.")
@click.option("--write", is_flag=True, help="Write docs/cost.md.")
def main(seed: int, as_json: bool, write: bool) -> None:
    """Simulate a day on AWS, and print what it takes and costs."""
    results = simulated(seed)
    if as_json:
        for result in results:
            click.echo(json.dumps(result))
    elif write:
        PAGE.write_text(page(results), encoding="utf-8")
    else:
        click.echo(page(results), nl=False)


if __name__ == "__main__":
    main()
