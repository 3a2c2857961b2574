"""Commits by deltalake, and what each says of its origin."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime

import click
from deltalake import CommitProperties, DeltaTable
from deltalake.transaction import AddAction, RemoveAction

from common import RUN_VARIABLE, __version__

USER_METADATA = "userMetadata"
"""The field of a commit that writers may fill: Spark's `DESCRIBE HISTORY` and deltalake's `history()` show it."""


def origin() -> str:
    """The command that this process runs, its release and its run, as JSON; what is not known is null."""
    context = click.get_current_context(silent=True)
    batch = context.params.get("mini_batch_id") if context else None
    return json.dumps(
        {
            "command": context.command_path if context else None,
            "release": __version__,
            "run_id": batch or os.environ.get(RUN_VARIABLE),
        }
    )


def properties(**options: int) -> CommitProperties:
    """The properties of a commit by deltalake: its origin, and what `CommitProperties` takes besides."""
    return CommitProperties({USER_METADATA: origin()}, **options)


def commit_next(table: DeltaTable, actions: Sequence[AddAction | RemoveAction]) -> None:
    """Commits the actions as the next version after that of the table.

    Raises:
        CommitFailedError: others have committed that version.
    """
    table.create_write_transaction(
        list(actions),
        "append",
        table.schema(),
        table.metadata().partition_columns,
        commit_properties=properties(max_commit_retries=0),
    )


def now_millis() -> int:
    """The time of an action."""
    return round(datetime.now(UTC).timestamp() * 1000)
