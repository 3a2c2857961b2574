from __future__ import annotations

import re

import click
import pytest

from common.runtime.cli import engine_option, feature_spec_option, lake_option, project_options, window_option
from common.runtime.commands import command, group
from common.runtime.version import version_option
from tests.commands import call

EXAMPLE = "Example: ndr-x --lake ./lake" + " --window 2026-03-10T13:08Z" * 6


@command("ndr-x", epilog=EXAMPLE, groups={"Cakes": ("icing",), "Windows": ("window", "every")})
@engine_option
@click.option("--every", type=click.IntRange(1), help="Every which window.")
@project_options
@click.option("--icing", type=click.Choice(["pink"]), help="Colour of the icing.")
@lake_option
@click.option("--secret", hidden=True)
@window_option
@version_option
def many(**_: object) -> None:
    """Do something.

    More about it.
    """


@command("ndr-y", epilog="Example: ndr-y")
@feature_spec_option
@lake_option
@click.option("--own", help="An option of its own.")
@click.argument("place", type=click.Choice(["here"]))
def few(**_: object) -> None:
    """Do little."""
    raise click.UsageError("no \x1b[31mred")


@group("ndr-z", epilog="Example: ndr-z up")
def several() -> None:
    """Do several things."""


several.add_command(few, "up")


@several.command(epilog="Example: ndr-z down")
def down() -> None:
    """Stop what is running, whatever it is, so that nothing is left that could still run afterwards, at any time."""


def shown(text: str) -> list[str]:
    """Headings and names of options in a help, in order."""
    return [heading or name for heading, name in re.findall(r"^(\S[^\n]*):$|^  (?:-\w, )?(--[a-z-]+)", text, re.M)]


def test_groups_and_options_have_one_order() -> None:
    assert shown(call(many, "--help")[1]) == [
        "Cakes", "--icing",
        "Windows", "--window", "--every",
        "Lake and project", "--lake", "--project-name", "--feature-spec-version", "--parameters", "--mini-batch-id",
        "Engine", "--engine",
        "Other options", "--quiet", "--verbose", "--version", "--help",
    ]  # fmt: skip


def test_few_options_are_one_group_in_the_same_order() -> None:
    assert shown(call(few, "--help")[1]) == [
        "Options", "--own", "--lake", "--feature-spec-version", "--quiet", "--verbose", "--help",
    ]  # fmt: skip


def test_meanings_are_below_each_other() -> None:
    lines = [line for line in call(many, "--help")[1].splitlines() if re.match(r"  (-\w, )?--", line)]
    beside = [re.match(r".*?\S {2,}(?=\S)", line) for line in lines]
    assert len({match.end() for match in beside if match}) == 1 and all(beside)


def test_the_example_is_one_line() -> None:
    assert call(many, "--help")[1].splitlines()[-1] == EXAMPLE


def test_subcommands_stand_in_their_order_with_their_whole_summary() -> None:
    text = call(several, "-h")[1]
    assert text.index("  up ") < text.index("  down ")
    assert "so that nothing is left that could still run afterwards, at any time." in " ".join(text.split())
    assert call(several, "down", "-h")[0] == 0


@pytest.mark.parametrize("arguments", [("\x1b[31mred",), ("here", "\x1b[31mred"), ("here", "--\x1b[31mred"), ("here",)])
def test_usage_errors_send_nothing_that_a_terminal_obeys(arguments: tuple[str, ...]) -> None:
    for called, before in ((few, ()), (several, ("up",))):
        code, _, error = call(called, *before, *arguments, "--lake", "x")
        assert code == 2 and "31mred" in error
        assert error.replace("\n", "").isprintable()


def test_an_unknown_subcommand_is_escaped_too() -> None:
    code, _, error = call(several, "\x1b[31mred")
    assert code == 2 and "\\x1b[31mred" in error
