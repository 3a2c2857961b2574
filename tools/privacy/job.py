"""Masks, unmasks, exports and erases names, each with an entry in the log before anything is shown or changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from common.errors import InputError, StorageError
from common.privacy.actions import ERASE, EXPORT, MASK, UNMASK
from common.privacy.audit import Entry, note
from common.privacy.keys import add_key
from common.privacy.masking import mask_of
from common.runtime.rows import print_rows, write_rows
from common.storage.drafts import draft
from tools.privacy.changes import Plan, carried_out, counted, erasing, masking
from tools.privacy.exporting import Export
from tools.privacy.opening import Opened, opened, require_reason
from tools.privacy.person import Person


def new_key(path: Path) -> None:
    """Adds a key to a file, and prints the settings that use it."""
    settings = {"keys": str(path.absolute()), "fingerprint": add_key(path)}
    click.echo("pseudonyms:\n" + "\n".join(f"  {name}: {value}" for name, value in settings.items()))


def mask(lake_uri: str, by: str, dry_run: bool) -> None:
    """Puts pseudonyms in the place of the names that the lake has; prints what changed."""
    found = opened(lake_uri)
    if found.pseudonyms is None:
        raise InputError(
            f"the settings of {lake_uri} ask for no pseudonyms",
            "Make a key with ndr-privacy new-key, add the group pseudonyms to the settings, then ndr-lake configure",
        )
    _change(found, masking(mask_of(found.settings)), Entry(MASK, by), dry_run)


def erase(lake_uri: str, names: Sequence[str], reason: str, by: str, keys: str | None, dry_run: bool) -> None:
    """Removes a person's names from the lake; prints what changed."""
    found = opened(lake_uri, keys)
    why = require_reason(reason, names)
    _change(found, erasing(found.lake, Person(names, found.pseudonyms)), Entry(ERASE, by, why), dry_run)


def _change(found: Opened, plans: list[Plan], entry: Entry, dry_run: bool) -> None:
    rows = counted(found.lake, plans)
    report: dict[str, Any] = {"lake": found.lake.uri, "dry_run": dry_run, "rows": rows}
    if not dry_run:
        note(found.lake, Entry(entry.action, entry.logged_by, entry.reason, rows=rows))
        report["rows"], report["files_removed"] = carried_out(found.lake, plans)
    click.echo(json.dumps(report))


def unmask(lake_uri: str, values: Sequence[str], reason: str, by: str, keys: str | None, form: str) -> None:
    """Prints the names behind pseudonyms."""
    found = opened(lake_uri, keys)
    if found.pseudonyms is None:
        raise InputError(f"the settings of {lake_uri} ask for no pseudonyms", "Say where the keys are with --key-file")
    names = {value: found.pseudonyms.name_of(value) for value in values}
    why = require_reason(reason, [*names.values()])
    note(found.lake, Entry(UNMASK, by, why, "\n".join(names)))
    print_rows([{"pseudonym": value, "name": name} for value, name in names.items()], form)


def export(lake_uri: str, names: Sequence[str], reason: str, by: str, keys: str | None, out: Path, form: str) -> None:
    """Writes all rows about a person to a file for this user alone; prints how many, by table."""
    found = opened(lake_uri, keys)
    why = require_reason(reason, names)
    rows = Export(found.lake, Person(names, found.pseudonyms))
    columns = ["table", *dict.fromkeys(name for table in rows.tables for name in found.lake.table(table).column_names)]
    try:
        with draft(out) as path:
            path.chmod(0o600)
            with path.open("w", encoding="utf-8", newline="") as stream:
                write_rows(rows.all_rows(), form, stream, columns if form == "csv" else None)
            note(found.lake, Entry(EXPORT, by, why, rows=rows.rows))  # before anybody has the file
    except OSError as error:
        raise StorageError(f"{out} cannot be written: {error.strerror}", "Check the path and the permissions") from None
    click.echo(json.dumps({"lake": found.lake.uri, "out": str(out), "rows": rows.rows}))
