"""Shows how far uploads are: a table that changes on a terminal, and elsewhere a line for each change."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import click

from common.display import on_terminal
from common.runtime.events import DUMB
from localaws.cli.uploads import Upload

if TYPE_CHECKING:
    from rich.table import Table

_COLOURS = {"completed": "green", "scored": "green", "quarantined": "yellow", "failed": "red", "not scored": "red"}


class Show(Protocol):
    """Shows an upload whose state has changed."""

    def __call__(self, upload: Upload) -> None:
        """Shows it."""


@contextmanager
def shown(uploads: Iterable[Upload]) -> Iterator[Show]:
    """Shows the uploads, and gives what shows their changes."""
    if sys.stdout.isatty() and os.environ.get("TERM", "") not in DUMB:
        with _live({_identity(upload): upload for upload in uploads}) as show:
            yield show
        return
    for upload in uploads:
        _print(upload)
    yield _print


def _print(upload: Upload) -> None:
    note = f" ({upload.note})" if upload.note else ""
    click.echo(on_terminal(f"{upload.name}: {upload.state}{note}"))


@contextmanager
def _live(rows: dict[tuple[str, str], Upload]) -> Iterator[Show]:
    from rich.live import Live

    with Live(_table(rows.values()), auto_refresh=False) as live:

        def show(upload: Upload) -> None:
            rows[_identity(upload)] = upload
            live.update(_table(rows.values()), refresh=True)

        yield show


def _identity(upload: Upload) -> tuple[str, str]:
    return upload.key, upload.version


def _table(uploads: Iterable[Upload]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table("file", "state", "note", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for upload in uploads:
        state = Text(on_terminal(upload.state), style=_COLOURS.get(upload.state, ""))
        table.add_row(Text(on_terminal(upload.name)), state, Text(on_terminal(upload.note)))
    return table
