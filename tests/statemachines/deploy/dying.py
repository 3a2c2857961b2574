"""A deployment command that kills itself before a call of AWS.

    python -m tests.statemachines.deploy.dying CALLS FOLDER WORD...

CALLS are made, and the next one is not; FOLDER has the files of the environments; the words are the command's own.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.aws.clients import session
from statemachines.cli import main
from statemachines.deploy import environment


def on_each_call(do: Callable[[], None]) -> None:
    """Has this process do something before each call of AWS that it makes from now on."""
    session().events.register("before-send", _only(do))


def _only(do: Callable[[], None]) -> Callable[..., None]:
    def handler(**_: Any) -> None:
        do()

    return handler


def run(calls: int, folder: Path, arguments: list[str]) -> None:
    """Runs the command until so many calls are made."""
    left = [calls]

    def die() -> None:
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    environment.FILES = folder
    on_each_call(die)
    main(arguments)


if __name__ == "__main__":
    run(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
