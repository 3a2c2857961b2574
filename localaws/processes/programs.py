"""What may be run: the commands of the stages, with variables of the stages' own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

_VARIABLE = re.compile(r"NDR_[A-Z0-9_]+")
FUNCTION_VARIABLES = frozenset(
    (
        *("ALERTS_TOPIC_ARN", "EXPECTED_FILE_SIZE_MB", "FILE_TRACKING_TABLE", "LANDING_BUCKET", "LOCK_SECONDS"),
        *("MANIFEST_BUCKET", "MAX_FILES_PER_MANIFEST", "MAX_WAIT_MINUTES", "MIN_FILES_FOR_PARTIAL_BATCH"),
        *("QUARANTINE_BUCKET", "ROUTES", "SIZE_TOLERANCE_PERCENT", "STEP_FUNCTION_ARN", "TRACKING_DAYS"),
        *("MAX_BAD_RATIO", "ZONES_URI"),
    )
)
"""The settings of the manifest builder and of Customer 360's validation, which have no prefix."""


class ProgramError(Exception):
    """A step, job or function asks for what is not run."""


def check_program(name: str, allowed: Collection[str]) -> str:
    """The name of a command, a word without a path.

    Raises:
        ProgramError: it is none of those allowed.
    """
    if name not in allowed:
        raise ProgramError(
            f"{name!r} is not the command of a stage, and nothing else is run. Use one of {', '.join(sorted(allowed))}"
        )
    return name


def check_variables(names: Iterable[str], known: Collection[str] = ()) -> None:
    """Refuses variables that make a command load other programs, such as PATH or PYTHONPATH.

    Raises:
        ProgramError: a name is neither like NDR_DEBUG nor known.
    """
    if foreign := [name for name in names if name not in known and not _VARIABLE.fullmatch(name)]:
        raise ProgramError(f"the variables {', '.join(map(repr, foreign))} cannot be set. Use names like NDR_DEBUG")
