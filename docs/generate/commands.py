"""The reference of the commands, from their click definitions."""

from __future__ import annotations

import inspect
import tomllib
from importlib import import_module
from pathlib import Path

import click

from common.runtime.commands import NdrCommand
from docs.generate.markdown import page, table

ROOT = Path(__file__).parents[2]
GROUPS = {"jobs": "Stages", "tools": "Tools"}
GENERAL = {"--help", "--version", "--quiet", "--verbose"}
OTHERS = "Deployment and operation"


def commands() -> dict[str, tuple[str, click.Command]]:
    """Group and click definition of each command that pyproject.toml declares, by name."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    found = {}
    for name, target in scripts.items():
        module, function = target.split(":")
        found[name] = (GROUPS.get(module.split(".")[0], OTHERS), getattr(import_module(module), function))
    return found


def render() -> str:
    """The page of all commands."""
    declared = commands()
    parts = [
        "Every command also has `--help` or `-h`, `--version`, `--quiet` (`-q`: errors and the result only) and "
        "`--verbose` (`-v`: details, too); see [messages](../messages.md). Exit codes: 0 done, 1 failed, 2 wrong "
        "arguments. `NDR_DEBUG=1` shows where a failure comes from.",
        "Rows come as a table on a terminal, and as NDJSON in a pipe or file; `--format` chooses. Times are ISO 8601 "
        "in UTC, numbers that are not finite are null, and nested values are JSON in a table or CSV. A cell of CSV "
        "that a spreadsheet would take for a formula begins with an apostrophe; JSON and NDJSON keep values as they "
        "are.",
        "`source <(ndr-completion bash)` makes the Tab key complete commands, options and values.",
    ]
    for group in (*GROUPS.values(), OTHERS):
        parts.append(f"## {group}")
        parts += [_command(name, command, 3) for name, (own, command) in declared.items() if own == group]
    return page("Commands", *parts)


def _command(name: str, command: click.Command, level: int, parent: click.Context | None = None) -> str:
    context = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    usage = f"`{context.command_path} {' '.join(command.collect_usage_pieces(context))}`"
    parts = [f"{'#' * level} {context.command_path}", usage, inspect.cleandoc(command.help or "").replace("\b\n", "")]
    if options := _options(command, context):
        parts.append(table(("group", "option", "meaning"), options))
    if command.epilog:
        kind, _, line = command.epilog.partition(": ")
        parts.append(f"{kind}: `{line}`")
    if isinstance(command, click.Group):
        parts += [_command(own, inner, level + 1, context) for own, inner in command.commands.items()]
    return "\n\n".join(parts)


def _options(command: click.Command, context: click.Context) -> list[tuple[str, str, str]]:
    """Group, names and meaning of each option; the group only at its first option, and if there is more than one."""
    assert isinstance(command, NdrCommand), f"{command.name} has no groups of options"
    groups = [
        (title, [_record(option, context) for option in options if not GENERAL & set(option.opts)])
        for title, options in command.option_groups(context)
    ]
    several = sum(1 for _, records in groups if records) > 1
    return [
        (title if several and not place else "", *record)
        for title, records in groups
        for place, record in enumerate(records)
    ]


def _record(option: click.Parameter, context: click.Context) -> tuple[str, str]:
    names, meaning = option.get_help_record(context) or ("", "")
    return f"`{names}`", meaning
