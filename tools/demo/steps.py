"""Steps that are skipped while their inputs are unchanged."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click

from common.errors import StageError
from common.runtime.programs import scripts_folder

Result = TypeVar("Result")
Part = TypeVar("Part")


def files_digest(paths: Sequence[str]) -> str:
    """A digest of the files' names, sizes and modification times."""
    digest = hashlib.sha256()
    for path in paths:
        state = os.stat(path)  # noqa: PTH116 - Path.stat is slower over thousands of files
        digest.update(f"{path}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def program_digest() -> str:
    """A digest of the project's source."""
    root = Path(__file__).resolve().parents[2]
    sources = sorted(
        path
        for name in ("common", "jobs", "localaws", "pipelines", "statemachines", "tools")
        for path in (root / name).rglob("*")
        if path.is_file()
    )
    digest = hashlib.sha256()
    for path in sources:
        if path.suffix in (".py", ".yaml", ".json"):
            digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass
class Steps:
    """Runs steps in order, and records in a file what each was made from.

    A step is current, and skipped, if it was done with the same arguments after the same steps.
    """

    memory: Path
    total: int
    fingerprint: str
    _done: dict[str, Any] = field(default_factory=dict)
    _number: int = 0

    def __post_init__(self) -> None:
        if self.memory.is_file():
            self._done = json.loads(self.memory.read_text(encoding="utf-8"))

    def run(self, title: str, command: str, *arguments: str) -> dict[str, Any]:
        """Runs a stage unless it is current; returns its run report.

        Raises:
            StageError: the stage failed; its error is on stderr.
        """

        def work() -> dict[str, Any]:
            output = run_command(command, *arguments)
            report: dict[str, Any] = json.loads(output.splitlines()[-1]) if output.strip() else {}
            return report

        return self.call(title, command, work, arguments)

    def call(self, title: str, key: str, work: Callable[[], dict[str, Any]], given: Any) -> dict[str, Any]:
        """Does the work unless it is current for `given` and the earlier steps; returns its result."""
        self._number += 1
        return self._current(f"[{self._number}/{self.total}] {title}", key, work, given)

    def once(self, title: str, work: Callable[[], Result]) -> Result:
        """Does work that every run repeats and no later step depends on; returns its result."""
        self._number += 1
        heading = f"[{self._number}/{self.total}] {title}"
        click.echo(f"{heading} ...", err=True)
        began = time.monotonic()
        result = work()
        click.echo(f"{heading}: {time.monotonic() - began:.1f} s", err=True)
        return result

    def each(
        self, title: str, key: str, parts: Sequence[tuple[str, Part]], work: Callable[[Part], dict[str, Any]]
    ) -> None:
        """Does the work for each named part in order, unless it is current."""
        self._number += 1
        for number, (name, part) in enumerate(parts, start=1):
            heading = f"[{self._number}/{self.total}] {title} {number}/{len(parts)}, {name}"
            self._current(heading, f"{key} {name}", lambda part=part: work(part), name)  # type: ignore[misc]

    def _current(self, heading: str, key: str, work: Callable[[], dict[str, Any]], given: Any) -> dict[str, Any]:
        self.fingerprint = hashlib.sha256(json.dumps([self.fingerprint, key, given]).encode()).hexdigest()
        known = self._done.get(key)
        if known and known["fingerprint"] == self.fingerprint:
            click.echo(f"{heading}: current", err=True)
            report: dict[str, Any] = known["report"]
            return report
        click.echo(f"{heading} ...", err=True)
        began = time.monotonic()
        result = work()
        click.echo(f"{heading}: {time.monotonic() - began:.1f} s", err=True)
        self._done[key] = {"fingerprint": self.fingerprint, "report": result}
        partial = self.memory.with_suffix(".partial")
        partial.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(self._done), encoding="utf-8")
        partial.replace(self.memory)
        return result


def run_command(command: str, *arguments: str) -> str:
    """Runs a command of this installation; returns its stdout, and passes its stderr through.

    Raises:
        StageError: it failed; its error is on stderr.
    """
    with subprocess.Popen([scripts_folder() / command, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            output, _ = process.communicate()
        except BaseException:  # an interruption: it ends with the command that it belongs to
            process.terminate()
            raise
    if process.returncode:
        line = " ".join([command, *arguments])
        raise StageError(
            f"{command} failed with exit code {process.returncode}", f"See its error above; the command was: {line}"
        )
    return output
