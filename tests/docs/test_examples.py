"""The commands take what their examples give them: in `--help`, in the READMEs, and in blocks that no test runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import click
import pytest

from docs.generate.commands import ROOT, commands
from tests.docs.blocks import blocks, fails
from tests.docs.pages import PAGES

COMMANDS = {name: command for name, (_, command) in commands().items()}
READMES = sorted(path for folder in ("jobs", "tools") for path in (ROOT / folder).glob("*/README.md"))
OPERATORS = ("|", "||", "&&", ";", "(", ")")
ELLIPSIS = "..."
MUST_EXIST = (
    *("project.yaml", "demo/lake-aws/project.yaml", "event.json", "demo/2026-03-10.ndjson"),
    *("good-2026-03-10.ndjson", "mixed-2026-03-10.ndjson", "export-2026-03-10.json"),
    *("release.pem", "build/release/signed.json", "second.pem", "build/second/signed.json"),
)


def command_lines(text: str) -> Iterator[list[str]]:
    """The words of each of our commands in a shell script, whatever runs it, without redirections."""
    for line in text.replace("\\\n", " ").splitlines():
        if not any(name in line for name in COMMANDS):
            continue
        line = re.sub(r'"\$\(date .+?\)"|"\$was"', "2026-03-10T13:08Z", line)
        line = re.sub(r'"\$\((.+?)\)"', r"; \1 ;", line)
        line = re.sub(r"\d?>\s*(&\d|[^\s>;|&]+)", "", line)
        words = shlex.shlex(line, posix=True, punctuation_chars="|&;()")
        words.whitespace_split = True
        for is_operator, group in groupby(words, OPERATORS.__contains__):
            simple = [word.removeprefix(".venv/bin/") for word in group if word != ELLIPSIS]
            start = next((place for place, word in enumerate(simple) if word in COMMANDS), None)
            if not is_operator and start is not None:
                yield simple[start:]


def parse(words: list[str]) -> None:
    """Parses a command line without running it.

    Raises:
        click.UsageError: the command does not take these words.
    """
    command, left = COMMANDS[words[0]], words[1:]
    while isinstance(command, click.Group) and left:
        assert left[0] in command.commands, f"{command.name} has no command {left[0]}"
        command, left = command.commands[left[0]], left[1:]
    command.make_context(" ".join(words), left)


def examples(path: str, command: click.Command) -> Iterator[tuple[str, str]]:
    """The example of a command and of those below it, each with the words that call it."""
    yield path, command.epilog or ""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from examples(f"{path} {name}", inner)


@pytest.fixture(autouse=True)
def folder_with_files_that_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MUST_EXIST:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ndr-parse a.gz --all 2>/dev/null | head -1", [["ndr-parse", "a.gz", "--all"]]),
        ("ndr-features --markdown > docs/features.md", [["ndr-features", "--markdown"]]),
        ('eval "$(ndr-local env)"', [["ndr-local", "env"]]),
        ("ndr-local up \\\n  --fused && ndr-local down", [["ndr-local", "up", "--fused"], ["ndr-local", "down"]]),
        ("docker run --rm ndr-fg-b --month 2026-03", [["ndr-fg-b", "--month", "2026-03"]]),
        ('ndr-delta --window "$(date -u +%FT%TZ)"', [["ndr-delta", "--window", "2026-03-10T13:08Z"]]),
        ("make images/ndr-fg-b", []),
    ],
)
def test_our_commands_are_found_in_a_script(text: str, found: list[list[str]]) -> None:
    assert list(command_lines(text)) == found


@pytest.mark.parametrize("words", [["ndr-report", "--lak", "x"], ["ndr-join"], ["ndr-fg-b", "--month", "March"]])
def test_what_a_command_does_not_take_is_an_error(words: list[str]) -> None:
    with pytest.raises(click.UsageError):
        parse(words)


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_of_the_help(name: str) -> None:
    for path, epilog in examples(name, COMMANDS[name]):
        assert epilog.startswith("Example: "), path
        assert path in epilog
        for words in command_lines(epilog.removeprefix("Example: ")):
            parse(words)


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.parent.name)
def test_examples_of_the_readmes(page: Path) -> None:
    lines = [words for block in blocks(page) for step in block.steps for words in command_lines(step.command)]
    assert lines, "a README shows its command"
    for words in lines:
        parse(words)


NOT_RUN = [
    (page, words)
    for page in PAGES
    for block in blocks(page)
    for step in (block.steps if block.kind != "run" else ())
    for words in command_lines(step.command)
    if not fails(step)
]
"""The commands in the pages that no test runs, but those that the page shows to fail."""


@pytest.mark.parametrize(("page", "words"), NOT_RUN, ids=lambda given: given.name if isinstance(given, Path) else None)
def test_commands_that_no_test_runs(page: Path, words: list[str]) -> None:
    parse(words)


def test_pages_show_commands_that_no_test_runs() -> None:
    assert {words[0] for _, words in NOT_RUN} >= {"ndr-local", "ndr-statemachines", "ndr-pipelines"}
