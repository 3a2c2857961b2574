"""Commands whose help shows options in groups, and whose errors show nothing that a terminal obeys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from common.display import lines_on_terminal
from common.runtime.verbosity import verbosity_options

SHARED = {
    "Windows": ("window", "month", "reference-time", "baseline-month"),
    "Input": ("input", "log-format", "log-time-zone", "max-rejected-ratio"),
    "Deployment": ("environment", "stack"),
    "Lake and project": ("lake", "project-name", "feature-spec-version", "parameters", "mini-batch-id"),
    "Model": ("model", "run-id"),
    "Output": ("format", "out"),
    "Engine": ("engine",),
}
"""Titles of groups, and the options that commands share, both in the order of the help.

A command names the groups of its own options; they come before the shared ones of the group. A group whose title is
not here comes first.
"""

OTHERS = "Other options"
FEW = 6
"""Options that need no groups; those of all commands do not count."""

GENERAL = ("quiet", "verbose", "version", "help")
"""Options of all commands."""

NAMES_WIDTH = 32
"""Characters for the names of options, beside which their meaning stands."""

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

Groups = Mapping[str, Sequence[str]]


class NdrCommand(click.Command):
    """A command with groups of options, `-h`, `--quiet` and `--verbose`, and harmless messages of usage errors."""

    def __init__(self, *args: Any, groups: Groups | None = None, **attributes: Any) -> None:
        attributes["context_settings"] = SETTINGS | (attributes.get("context_settings") or {})
        super().__init__(*args, **attributes)
        self.own_groups: Groups = groups or {}
        if not isinstance(self, click.Group) and not self.ignore_unknown_options:  # these may be of another command
            self.params += verbosity_options()
        for option in self.params:
            if option.metavar is None and isinstance(option.type, type(click.INT) | type(click.FLOAT)):
                option.metavar = "NUMBER"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it, with harmless messages."""
        with harmless_messages():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """As click does it, with harmless messages."""
        with harmless_messages():
            return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes a section for each group; one section if there are few options."""
        groups = [
            (title, [record for option in options if (record := option.get_help_record(ctx))])
            for title, options in self.option_groups(ctx)
        ]
        width = min(NAMES_WIDTH, max(len(names) for _, records in groups for names, _ in records))
        for title, records in groups:
            with formatter.section(title):
                formatter.write_dl([(names.ljust(width), meaning) for names, meaning in records], col_max=NAMES_WIDTH)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the example on one line, to be copied."""
        if self.epilog:
            formatter.write_paragraph()
            formatter.write(self.epilog.removeprefix("\b\n") + "\n")

    def option_groups(self, ctx: click.Context) -> list[tuple[str, list[click.Option]]]:
        """Titles of groups with their options, in the order of the help; the last group has what all commands have."""
        shown = {
            next(name for name in option.opts if name.startswith("--"))[2:]: option
            for option in self.get_params(ctx)
            if isinstance(option, click.Option) and not option.hidden
        }
        general = [option for name in GENERAL if (option := shown.pop(name, None))]
        ordered = [
            (title, [shown.pop(name) for name in names if name in shown])
            for title, names in self._all_groups(shown).items()
        ]
        groups = [(title, options) for title, options in ordered if options]
        if sum(len(options) for _, options in groups) <= FEW:
            return [("Options", [option for _, options in groups for option in options] + general)]
        return [*groups, (OTHERS, general)]

    def _all_groups(self, shown: Mapping[str, click.Option]) -> dict[str, list[str]]:
        """Names of options by title: own titles, then the shared ones; options without a group come first of all."""
        groups = {title: list(names) for title, names in self.own_groups.items() if title not in SHARED}
        for title, names in SHARED.items():
            groups[title] = [*self.own_groups.get(title, ()), *names]
        grouped = {name for names in groups.values() for name in names}
        return {"Options": [name for name in shown if name not in grouped]} | groups


class NdrGroup(NdrCommand, click.Group):
    """A command with subcommands."""

    command_class = NdrCommand
    group_class = type

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the options, then the subcommands."""
        NdrCommand.format_options(self, ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl([(name, inner.get_short_help_str(limit=200)) for name, inner in self.commands.items()])

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the subcommands, in the order in which they are declared."""
        return list(self.commands)


def command(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], NdrCommand]:
    """Decorator that makes a function a command; `groups` are the names of its own options by title of their group."""
    return click.command(name, cls=NdrCommand, **attributes)


def group(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], NdrGroup]:
    """Decorator that makes a function a command with subcommands."""
    return click.group(name, cls=NdrGroup, **attributes)


@contextmanager
def harmless_messages() -> Iterator[None]:
    """Escapes what a terminal would obey in the message of a usage error; it may repeat what the user gave."""
    try:
        yield
    except click.ClickException as error:
        error.message = lines_on_terminal(error.message)  # type: ignore[misc]  # of other classes than its own, it is final
        raise
