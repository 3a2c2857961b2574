"""The reference of the commands, from their click definitions."""

from __future__ import annotations

import inspect
import tomllib
from importlib import import_module
from pathlib import Path

import click

from docs.generate.markdown import page, table

ROOT = Path(__file__).parents[2]
GROUPS = {"jobs": "Stages", "tools": "Tools"}
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
        "Every command also has `--help` and `--version`. Exit codes: 0 done, 1 failed, 2 wrong arguments. "
        "`NDR_DEBUG=1` shows where a failure comes from."
    ]
    for group in (*GROUPS.values(), OTHERS):
        parts.append(f"## {group}")
        parts += [_command(name, command, 3) for name, (own, command) in declared.items() if own == group]
    return page("Commands", *parts)


def _command(name: str, command: click.Command, level: int, parent: click.Context | None = None) -> str:
    context = click.Context(command, info_name=name, parent=parent)
    usage = f"`{context.command_path} {' '.join(command.collect_usage_pieces(context))}`"
    parts = [f"{'#' * level} {context.command_path}", usage, inspect.cleandoc(command.help or "").replace("\b\n", "")]
    records = [record for option in command.get_params(context) if (record := _record(option, context))]
    if records:
        parts.append(table(("option", "meaning"), records))
    if command.epilog:
        kind, _, line = command.epilog.partition(": ")
        parts.append(f"{kind}: `{line}`")
    if isinstance(command, click.Group):
        parts += [_command(own, inner, level + 1, context) for own, inner in command.commands.items()]
    return "\n\n".join(parts)


def _record(option: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    record = option.get_help_record(context)
    if record is None or "--help" in option.opts or "--version" in option.opts:
        return None
    names, meaning = record
    return f"`{names}`", meaning
