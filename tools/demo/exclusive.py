"""Folders that one process at a time works in."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from common.errors import InputError


@contextmanager
def exclusive(folder: Path, waiting: str | None = None) -> Iterator[None]:
    """Holds the folder, which is made if it is missing; the end of the process frees it in any case.

    With a text for `waiting`, prints it and waits while another process holds the folder.

    Raises:
        InputError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting is None:
                raise InputError(
                    f"another ndr-demo is working in {folder}", "Wait until it has ended, or give another --lake"
                ) from None
            click.echo(waiting, err=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
