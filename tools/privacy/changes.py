"""Tables with names changed in place, all masked or one person erased; and copies of the former names removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from common.detection.alerts.triage import TABLE as TRIAGE
from common.detection.alerts.triage import change_id
from common.lake.lake import Lake
from common.lake.orphans import clear_up
from common.privacy.masking import Mask
from common.privacy.places import ACCOUNTS, MASKED, PLACES
from common.runtime.output import activity, progress
from tools.privacy.person import Person
from tools.privacy.rewriting import Change, rewritten, to_change, without_copies

OF_CHANGE = ("case_id", "changed_ts", "changed_by")


@dataclass(frozen=True)
class Plan:
    """What is to be done to a table: the change, and the columns that it works on."""

    table: str
    columns: list[str]
    change: Change


def masking(mask: Mask) -> list[Plan]:
    """Pseudonyms in place of the names of all tables that have them from logs and inventories."""
    plans = []
    for table, kinds in PLACES.items():
        if columns := [name for name, kind in kinds.items() if kind in MASKED]:
            plans.append(Plan(table, columns, _masked(mask, table)))
    return plans


def _masked(mask: Mask, table: str) -> Change:
    return lambda rows: mask.rows(table, rows)


def erasing(lake: Lake, person: Person) -> list[Plan]:
    """A person's names removed from all tables but those that answer for what was done."""
    plans = []
    for table, kinds in PLACES.items():
        if table not in ACCOUNTS:
            more = ["change_id", *OF_CHANGE] if table == TRIAGE else []
            plans.append(Plan(table, [*dict.fromkeys([*kinds, *more])], _without(lake, table, kinds, person)))
    return plans


def _without(lake: Lake, table: str, kinds: Mapping[str, str], person: Person) -> Change:
    nullable = {column.name: column.nullable for column in lake.table(table).columns}

    def left(rows: pa.Table) -> pa.Table:
        for place, name in enumerate(rows.column_names):
            if name in kinds:
                column = person.without(kinds[name], rows[name].combine_chunks(), nullable[name])
                rows = rows.set_column(place, rows.schema.field(name), column)
        return _with_own_ids(rows) if table == TRIAGE else rows

    return left


def _with_own_ids(rows: pa.Table) -> pa.Table:
    """Changes of cases with ids of what they say now: an id is a digest of who made the change, too."""
    ids = [change_id(**row) for row in rows.select(OF_CHANGE).to_pylist()]
    place = rows.column_names.index("change_id")
    return rows.set_column(place, rows.schema.field(place), pa.array(ids, pa.string()))


def counted(lake: Lake, plans: list[Plan]) -> dict[str, int]:
    """The rows that would change, by table; of tables without any, nothing.

    Raises:
        TableError: a table is unreadable.
    """
    found = {}
    for plan in _present(lake, plans):
        with activity(f"looking through {plan.table}"):
            rows = sum(rows for _, rows in to_change(lake, plan.table, plan.columns, plan.change))
        if rows:
            found[plan.table] = rows
    return found


def carried_out(lake: Lake, plans: list[Plan]) -> tuple[dict[str, int], int]:
    """Makes the changes; returns the rows that changed, by table, and how many files with former names were removed.

    Copies are removed of all tables of the plans, also of those without a row to change: an earlier run may have been
    killed before it did so.

    Raises:
        TableError: a table is unreadable.
        CommitError: a table cannot be written.
    """
    changed, removed = {}, 0
    clear_up(lake)
    for plan in _present(lake, plans):
        with activity(f"changing {plan.table}"):
            rows = rewritten(lake, plan.table, plan.columns, plan.change, _progress)
            removed += without_copies(lake, plan.table)
        if rows:
            changed[plan.table] = rows
    return changed, removed


def _progress(rows: int) -> None:
    progress(rows, None, "rows")


def _present(lake: Lake, plans: list[Plan]) -> Iterator[Plan]:
    return (plan for plan in plans if lake.exists(plan.table))
