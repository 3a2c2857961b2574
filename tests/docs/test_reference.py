"""The pages of the reference are current, and whole."""

from __future__ import annotations

import click

from docs.generate.__main__ import PAGES, stale
from docs.generate.commands import ROOT, commands
from docs.generate.settings import GROUPS, SCHEMA


def test_committed_pages_are_current() -> None:
    assert list(stale()) == [], "run make docs-reference"


def test_every_setting_is_in_the_reference() -> None:
    assert {id(group) for group in GROUPS.values()} == {id(group) for group in (SCHEMA, *SCHEMA["$defs"].values())}


def test_every_command_is_described_with_an_example() -> None:
    page = PAGES["reference/commands.md"]()
    for name, (_, command) in commands().items():
        assert f"### {name}\n" in page
        assert (command.help or "").strip()
        assert (command.epilog or "").startswith("Example: "), name


def test_help_is_imperative_and_shows_defaults_in_brackets() -> None:
    for name, (_, command) in commands().items():
        for each in (command, *(command.commands.values() if isinstance(command, click.Group) else ())):
            first, *_ = (each.help or "").split()
            assert not first.endswith("s"), f"{name} {each.name}: {first}"
            texts = [option.help or "" for option in each.params if isinstance(option, click.Option)]
            assert not [text for text in texts if "Default:" in text], f"{name} {each.name}"


def test_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in commands() if f"`{name}`" not in text] == []
