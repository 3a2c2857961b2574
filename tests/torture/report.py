"""The figures of a run, and their place in docs/reliability.md."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.torture.progress import Progress

BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"
MOST_SHOWN = 20


@dataclass(frozen=True)
class Part:
    """The trials of one kind: how many there were, and the faults found."""

    title: str
    count: int
    seconds: float
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class Figures:
    """What a run found, by part, and the commit that it ran on."""

    commit: str
    day: str
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, progress: Progress) -> Figures:
        """The figures of all trials done so far."""
        return cls(progress.commit, f"{datetime.now(UTC):%Y-%m-%d}", tuple(_parts(progress)))

    @property
    def wrong(self) -> list[str]:
        """All faults."""
        return [f"{part.title}: {text}" for part in self.parts for text in part.wrong]

    @property
    def text(self) -> str:
        """The figures as Markdown."""
        rows = [f"| {part.title} | {part.count:,} | {len(part.wrong)} |" for part in self.parts]
        lines = [
            f"Commit `{self.commit}`, {self.day}.",
            "",
            "| what | trials | faults found |",
            "|---|---|---|",
            *rows,
            *(["", "Faults:", ""] if self.wrong else []),
            *(f"* {text}" for text in self.wrong[:MOST_SHOWN]),
        ]
        return "\n".join(lines) + "\n"


def _parts(progress: Progress) -> Iterator[Part]:
    for kind, title in (("commands", "kill -9 of"), ("machines", "kill -9 of the local AWS under")):
        results = progress.results(kind)
        for name in sorted({found["command"] for found in results}):
            of_name = [found for found in results if found["command"] == name]
            yield _part(f"{title} `{name}`", of_name, sum(len(found["killed_after"]) for found in of_name))
    for kind, title in (("schedules", "schedules of the state machines"), ("files", "damaged log files")):
        results = progress.results(kind)
        yield _part(title, results, sum(found["size"] for found in results))


def _part(title: str, results: list[dict[str, Any]], count: int) -> Part:
    wrong = tuple(f"{found['part']} {found['number']}: {found['wrong']}" for found in results if found["wrong"])
    return Part(title, count, sum(found.get("seconds", 0.0) for found in results), wrong)


def commit(repository: Path) -> str:
    """The short name of the checked-out commit, marked if files differ from it."""
    line = ["git", "describe", "--always", "--dirty", "--exclude", "*", "--abbrev=12"]
    return subprocess.run(line, cwd=repository, capture_output=True, text=True, check=True).stdout.strip()


def write(path: Path, figures: Figures) -> None:
    """Writes the figures between their marks in a page."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{path} has no place for the figures: {BEGIN.strip()} and {END.strip()}")
    path.write_text(f"{before}{BEGIN}{figures.text}{END}{after}", encoding="utf-8")
