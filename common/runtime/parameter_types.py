"""Types of command-line values: each fails at the edge, with a message that names the value."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from common.errors import NdrError
from common.storage.filesystems import normal_uri
from common.windows import Windows, parse_moment

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class WindowsType(click.ParamType[Windows]):
    """A window, or a half-open range of windows."""

    name = "window"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Windows:
        """The parsed windows; fails with a usage error that names the value."""
        if isinstance(value, Windows):
            return value
        try:
            return Windows.parse(value)
        except NdrError as error:
            self.fail(str(error), param, ctx)


class WindowListType(click.ParamType[tuple[Windows, ...] | None]):
    """Comma-separated windows and ranges, `@FILE` with one per line, or a word that stands for all."""

    name = "windows"

    def __init__(self, word: str) -> None:
        self.word = word

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Windows, ...] | None:
        """The distinct single windows, sorted; None for the word; fails with a usage error that names the value."""
        if value == self.word or isinstance(value, tuple):
            return None if value == self.word else value
        from common.storage.files import read_lines

        try:
            texts = read_lines(value[1:]) if value.startswith("@") else value.split(",")
            named = {window for text in texts for window in Windows.parse(text.strip())}
        except NdrError as error:
            self.fail(f"{error}; or give {self.word!r}", param, ctx)
        return tuple(sorted(named))


class MomentType(click.ParamType[datetime]):
    """A time with a time zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The UTC time; fails with a usage error that names the value."""
        if isinstance(value, datetime):
            return value
        try:
            return parse_moment(value)
        except NdrError as error:
            self.fail(str(error), param, ctx)


class PlaceType(click.ParamType[str]):
    """A path or URI of a file as given; the shell completes files."""

    name = "path"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """What tells the shell to complete files."""
        return _completed(incomplete, "file")


class UriType(click.ParamType[str]):
    """A path, `file://` or `s3://` URI of a folder; the shell completes folders."""

    name = "uri"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The URI without its trailing slash; fails with a usage error that names the value."""
        try:
            return normal_uri(value)
        except NdrError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """What tells the shell to complete folders."""
        return _completed(incomplete, "dir")


class AddressType(click.ParamType[str]):
    """An IP address; of a host in a network with the network's name: `10.1.4.20@berlin`."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address as tables have it; fails with a usage error that names the value."""
        from ipaddress import ip_address  # which few commands need

        from common.canonical import address_text

        address, sign, network = value.partition("@")
        try:
            return f"{address_text(ip_address(address))}{sign}{network}"
        except ValueError:
            self.fail(f"{value!r} is no IP address", param, ctx)


class DaysType(click.ParamType[tuple[date, date]]):
    """A day, or the first and the last one of several: `2026-03-10`, `2026-03-10/2026-03-12`."""

    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[date, date]:
        """The first and the last day; fails with a usage error that names the value."""
        if isinstance(value, tuple):
            return value
        first, _, last = value.partition("/")
        try:
            days = date.fromisoformat(first), date.fromisoformat(last or first)
        except ValueError:
            self.fail(f"{value!r} is no date. Use the form 2026-03-10, or 2026-03-10/2026-03-12", param, ctx)
        if days[1] < days[0]:
            self.fail(f"{value!r} ends before it begins", param, ctx)
        return days


class TableDaysType(click.ParamType[tuple[str, int]]):
    """A number of days for a table: `fg_a=400`."""

    name = "table and days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """The table and its days; fails with a usage error that names the value."""
        if isinstance(value, tuple):
            return value
        if not (found := re.fullmatch(r"([a-z0-9_/]+)=([1-9][0-9]{0,4})", value)):
            self.fail(f"{value!r} is no number of days for a table. Use the form fg_a=400", param, ctx)
        return found[1], int(found[2])


class MonthType(click.ParamType[str | None]):
    """A calendar month, `YYYY-MM`; if `automatic`, also `auto`: the stage chooses."""

    name = "month"

    def __init__(self, automatic: bool = False) -> None:
        self.automatic = automatic

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | None:
        """The month as given, None for `auto`; fails with a usage error that names the value."""
        if self.automatic and value == "auto":
            return None
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", value):
            self.fail(f"{value!r} is not a month. Use the form 2026-03", param, ctx)
        return str(value)


def _completed(incomplete: str, kind: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem  # which only a shell needs

    return [CompletionItem(incomplete, type=kind)]
