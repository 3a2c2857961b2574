"""What holds for every command that users type, so that who knows one knows all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from common import __version__
from common.runtime.catalog import OPERATION, STAGES, TOOLS
from common.runtime.commands import OTHERS, NdrCommand
from common.runtime.parameter_types import UriType, WindowsType
from docs.generate.commands import commands
from tests.commands import call

DEFAULT = re.compile(r"  \[default: [^\]]+\]$")
OF_GLUE = re.compile(r"--[A-Z_]+")
"""Names that an option has besides its own in the arguments of a Glue job."""

VARIED = {
    "--window": "training takes a range only",
    "--lake": "the demo's lake is a folder of this machine",
    "--out": "one file, or a folder",
    "--rejects": "a file, or a folder",
    "--database": "a folder of this machine, or a name in Snowflake",
    "--format": "rows of the project, or messages in the languages of other systems",
    "--source": "where a manifest comes from, or who lists indicators",
    "--key-file": "a new file, or where keys are",
    "--to": "a run, or a place outside the lake",
}
"""Options whose value differs between commands, and why."""


def leaves() -> Iterator[tuple[str, click.Command]]:
    """Every command and subcommand by its words."""
    for name, (_, command) in commands().items():
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", found) for inner, found in command.commands.items())


COMMANDS = dict(leaves())
each = pytest.mark.parametrize("words", COMMANDS)


def options(command: click.Command) -> list[click.Option]:
    """The options that help shows."""
    return [option for option in command.params if isinstance(option, click.Option) and not option.hidden]


def test_the_catalog_has_every_command() -> None:
    assert {entry.command for entry in (*STAGES, *TOOLS, *OPERATION)} == set(commands())
    for entry in OPERATION:
        assert isinstance(import_module(entry.module).main, NdrCommand)


@pytest.mark.parametrize("name", commands())
def test_version(name: str) -> None:
    code, output, _ = call(commands()[name][1], "--version")
    assert code == 0 and __version__ in output


@each
def test_help_begins_with_what_the_command_does(words: str) -> None:
    command = COMMANDS[words]
    first, *_ = (command.help or "").split("\n\n")
    assert first[0].isupper() and re.search(r"[.:]$", first.strip()), first
    for flag in ("-h", "--help"):
        code, output, _ = call(command, flag)
        assert code == 0 and output.splitlines()[2].strip() == " ".join(output.split("\n\n")[1].split("\n")[0].split())


@each
def test_each_option_is_in_kebab_case_and_says_what_it_is(words: str) -> None:
    for option in options(COMMANDS[words]):
        names = [name for name in (*option.opts, *option.secondary_opts) if name.startswith("--")]
        names = [name for name in names if not OF_GLUE.fullmatch(name)] or names
        assert names and not [name for name in names if not re.fullmatch(r"--[a-z][a-z0-9]*(-[a-z0-9]+)*", name)]
        text = DEFAULT.sub("", option.help or "")
        assert text.endswith(".") and text[0].isupper(), f"{words} {names[0]}: {option.help}"


@each
def test_groups_hold_all_options(words: str) -> None:
    command = COMMANDS[words]
    assert isinstance(command, NdrCommand)
    groups = command.option_groups(click.Context(command, info_name=words))
    if len(groups) > 1:
        assert [title for title, _ in groups].count("Options") == 0, f"{words}: name a group for {groups[0][1]}"
        assert groups[-1][0] == OTHERS
        shown = {name.lstrip("-") for _, found in groups for option in found for name in option.opts}
        assert {name for names in command.own_groups.values() for name in names} <= shown


@each
def test_a_name_has_one_type(words: str) -> None:
    for option in options(COMMANDS[words]):
        if "--lake" in option.opts:
            assert words == "ndr-demo" or (option.name == "lake_uri" and isinstance(option.type, UriType))
        if "--window" in option.opts:
            assert isinstance(option.type, WindowsType)


def test_values_of_the_same_name_are_alike() -> None:
    kinds: dict[str, set[str]] = {}
    for command in COMMANDS.values():
        for option in options(command):
            if not option.is_flag:
                kinds.setdefault(option.opts[0], set()).add(option.make_metavar(click.Context(command)))
    assert {name for name, found in kinds.items() if len(found) > 1} <= set(VARIED)


@each
def test_a_wrong_option_is_a_usage_error(words: str) -> None:
    assert call(COMMANDS[words], "--no-such-option")[0] == 2
