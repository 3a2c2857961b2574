"""The command blocks of the documentation, and how their output is compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

MARKER = re.compile(r"<!-- docs: (?P<kind>long|skip)(?:, (?P<reason>.+?))? -->")
PROGRAM = re.compile(r"(?:[A-Z_]+=\S+ )*(?:ndr-|c360-|make\b|\.ci/|docker |aws |pip |git |python |eval |export |uv )")
OF_PAGE = re.compile(r"^<!-- docs: skip page, (.+?) -->$", re.MULTILINE)
SCRIPTS, TRANSCRIPTS = ("sh", "bash", "shell"), ("console",)
ANY_LINES = "..."
VOLATILE = ((re.compile(r'("seconds": )[\d.]+'), r"\1N"), (re.compile(r"\b[0-9a-f]{12}-dirty\b"), "REVISION"))
PROGRESS = re.compile(r'\{"time": .*"event": ')


@dataclass(frozen=True)
class Step:
    """A command, and the lines that it prints; None where the page does not show them."""

    command: str
    output: tuple[str, ...] | None


@dataclass(frozen=True)
class Block:
    """A block of commands: the line on which it begins, its steps, and what is said of running it."""

    line: int
    steps: tuple[Step, ...]
    kind: str
    reason: str


def blocks(path: Path) -> list[Block]:
    """The command blocks of a page, in their order.

    A block shows commands with their output (fenced `console`, or lines that begin with `$ `; fenced `pycon` for a
    Python session), or commands alone
    (fenced `sh`, or an indented block that begins with a program). Others are not commands. `<!-- docs: long -->` in
    front of a block keeps it for `make docs-long`, `<!-- docs: skip, <reason> -->` away from both, and
    `<!-- docs: skip page, <reason> -->` does so for all blocks of a page, such as one whose steps have their own test.
    """
    found, before = [], ""
    text = path.read_text(encoding="utf-8")
    page = OF_PAGE.search(text)
    for token in MarkdownIt().parse(text):
        if token.type in ("fence", "code_block"):
            steps = _steps(token.info.strip(), token.content)
            if steps:
                marker = MARKER.search(before)
                kind, reason = (marker["kind"], marker["reason"] or "") if marker else ("run", "")
                if page and not marker:
                    kind, reason = "skip", page[1]
                found.append(Block(token.map[0] + 1 if token.map else 0, steps, kind, reason))
        before = token.content if token.type == "html_block" else ""
    return found


def _steps(language: str, text: str) -> tuple[Step, ...]:
    lines = text.rstrip("\n").split("\n")
    if language in TRANSCRIPTS or (not language and any(line.startswith("$ ") for line in lines)):
        return tuple(_transcript(lines))
    if language == "pycon":  # a Python session, which doctest runs; it prints only what differs
        return (Step(f"python -m doctest -o ELLIPSIS <(cat <<'END'\n{text}END\n)", ()),)
    if language in SCRIPTS or (not language and PROGRAM.match(lines[0])):
        return (Step(text, None),)
    return ()


def _transcript(lines: Sequence[str]) -> list[Step]:
    steps: list[tuple[list[str], list[str]]] = []
    for line in lines:
        if line.startswith("$ "):
            steps.append(([line.removeprefix("$ ")], []))
        elif steps and not steps[-1][1] and steps[-1][0][-1].endswith("\\"):
            steps[-1][0].append(line)
        elif steps and line:
            steps[-1][1].append(line)
    return [Step("\n".join(command), tuple(output)) for command, output in steps]


def matches(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether the printed lines are those shown.

    Seconds differ from run to run and are not compared; `...` stands for any text in a line, and alone for any
    lines. Events, which a terminal overwrites, are left out where the page shows none.
    """
    shows_events = any(PROGRESS.match(line) for line in shown)
    lines = [line for line in printed if line.strip() and (shows_events or not PROGRESS.match(line))]
    pattern = "".join("(?:.*\n)*" if line == ANY_LINES else _pattern(line) + "\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{_masked(line)}\n" for line in lines)) is not None


def _pattern(line: str) -> str:
    return ".*".join(re.escape(piece) for piece in _masked(line).split("..."))


def _masked(line: str) -> str:
    for pattern, stands_for in VOLATILE:
        line = pattern.sub(stands_for, line.rstrip())
    return line


def fails(step: Step) -> bool:
    """Whether the page shows that the command fails."""
    return step.output is not None and any(line.lower().startswith("error: ") for line in step.output)
