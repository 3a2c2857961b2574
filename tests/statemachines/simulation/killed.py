"""A command that ends as if it were killed, just before or just after one of its commits."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from common.lake.extent import Part
from common.lake.lake import Lake

KILLED = 137


def main(command: str, place: str, number: str, *arguments: str) -> None:
    """Runs the command of this module, and ends `before` or `after` the commit of this number, counted from 0."""
    replace = Lake.replace
    commits = iter(range(1_000))

    def replace_or_end(self: Lake, name: str, frame: Any, part: Part) -> tuple[int, int]:
        here = next(commits) == int(number)
        if here and place == "before":
            os._exit(KILLED)
        done = replace(self, name, frame, part)
        if here:
            os._exit(KILLED)
        return done

    Lake.replace = replace_or_end  # type: ignore[method-assign]
    importlib.import_module(command).main(list(arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
