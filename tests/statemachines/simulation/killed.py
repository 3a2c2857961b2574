"""A command that ends as if it were killed, just before or just after one of its commits."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from common.lake.lake import Lake
from tests.statemachines.simulation.jobs import WRITES

KILLED = 137


def main(command: str, place: str, number: str, *arguments: str) -> None:
    """Runs the command of this module, and ends `before` or `after` the commit of this number, counted from 0.

    Only commits to tables of the model are counted.
    """
    modelled = {table for tables in WRITES.values() for table in tables}
    commits = iter(range(1_000))

    def ending(method: Callable[..., Any]) -> Callable[..., Any]:
        def replace_or_end(self: Lake, name: str, *rows: Any) -> Any:
            here = name in modelled and next(commits) == int(number)
            if here and place == "before":
                os._exit(KILLED)
            done = method(self, name, *rows)
            if here:
                os._exit(KILLED)
            return done

        return replace_or_end

    for name in ("replace", "replace_files"):
        setattr(Lake, name, ending(getattr(Lake, name)))
    importlib.import_module(command).main(list(arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
