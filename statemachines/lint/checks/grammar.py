"""Checks the definitions with statelint: `python -m statemachines.lint.checks.grammar`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from statelint.linter import Linter

from statemachines.definitions import MACHINES, definition_of

TOLERATED = Path(__file__).parent / "tolerated.yaml"


@dataclass(frozen=True)
class Tolerated:
    """A message that is wrong, as a regular expression of all of it, and why."""

    message: str
    reason: str


def read_tolerated(path: Path = TOLERATED) -> list[Tolerated]:
    """The tolerated messages of a file."""
    return [Tolerated(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]


def messages_of(definitions: Iterable[tuple[str, dict[str, object]]]) -> list[tuple[str, str]]:
    """Name of the machine and text of each message."""
    return [(name, message) for name, definition in definitions for message in Linter.validate(definition)]


def compare(messages: Sequence[tuple[str, str]], tolerated: Sequence[Tolerated]) -> list[str]:
    """One line per message that is not tolerated, and per tolerated one that no longer appears."""
    unlisted = [
        f"{name}: {message}"
        for name, message in messages
        if not any(re.fullmatch(entry.message, message) for entry in tolerated)
    ]
    gone = [
        f"tolerated, but no longer reported: {entry.message}. Remove it from {TOLERATED.name}"
        for entry in tolerated
        if not any(re.fullmatch(entry.message, message) for _, message in messages)
    ]
    return unlisted + gone


def main() -> int:
    """1 where something is wrong, which is written to stderr, 0 otherwise."""
    lines = compare(messages_of((name, definition_of(name)) for name in MACHINES), read_tolerated())
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
