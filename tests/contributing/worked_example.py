"""Runs the steps of a worked example as they stand in its page.

A fenced block with a title is a file: `diff` changes one, any other language writes one. A `console` block runs each
line that begins with `$`; the lines below it must be in the output, in this order. The block with the title `files`
lists the files that the example touches.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.checkout import run, run_make

BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.M | re.S)


@dataclass(frozen=True)
class Step:
    """A fenced block of the page."""

    language: str
    title: str | None
    text: str


def steps_of(page: Path) -> list[Step]:
    """The steps in the order of the page."""
    return [Step(language, title or None, text) for language, title, text in BLOCK.findall(page.read_text())]


def touched_files(page: Path) -> list[str]:
    """The files that the page says the example touches."""
    (listed,) = [step for step in steps_of(page) if step.title == "files"]
    return listed.text.splitlines()


def follow(page: Path, root: Path) -> None:
    """Applies all steps below the root of a repository."""
    for step in steps_of(page):
        if step.title == "files":
            continue
        if step.title is None:
            assert step.language == "console", f"a block of {step.language} without a title in {page.name}"
            run_commands(step.text, root)
        elif step.language == "diff":
            change(root / step.title, step.text)
        else:
            (root / step.title).write_text(step.text)


def change(path: Path, diff: str) -> None:
    """Does to the file what each hunk says; the last line of a hunk may be cut if it is context."""
    text = path.read_text()
    for hunk in re.split(r"^@@\n", diff, flags=re.M):
        lines = hunk.splitlines()
        old = "\n".join(line[1:] for line in lines if line[0] in " -")
        new = "\n".join(line[1:] for line in lines if line[0] in " +")
        pattern = re.compile(f"^{re.escape(old)}{'' if lines[-1][0] == ' ' else '$'}", re.M)
        found = list(pattern.finditer(text))
        assert len(found) == 1, f"{path.name} has {len(found)} times:\n{old}"
        text = text[: found[0].start()] + new + text[found[0].end() :]
    path.write_text(text)


def run_commands(text: str, root: Path) -> None:
    """Runs the commands and compares what they print."""
    for command, expected in commands_in(text):
        words = shlex.split(command)
        done = run_make(root, words[1:]) if words[0] == "make" else run(root, *words)
        assert_printed(done, expected)


def commands_in(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command with the lines that it should print."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, *expected = part.splitlines()
        yield command, expected


def assert_printed(done: subprocess.CompletedProcess[str], expected: list[str]) -> None:
    output = done.stdout + done.stderr
    assert done.returncode == 0, f"{done.args}:\n{output}"
    printed = iter(output.splitlines())
    for line in expected:
        assert line == "..." or line in printed, f"{done.args} did not print {line!r} in its place:\n{output}"
