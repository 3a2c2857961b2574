"""The status of windows: whether the tables of a window are of one age, and whether its logs were complete.

Each table is committed by itself, so a run that is killed leaves tables of different ages. The table `window_status`
tells them apart: a stage notes a new revision before its first commit and, after its last, that it has finished. It
also notes the revisions that it read. A window is whole when every stage has finished and has read the revisions that
the stages before it have now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from common.errors import InputError, one_line
from common.lake.ids import new_id
from common.windows import Windows, iso, parse_moment

if TYPE_CHECKING:
    from common.lake.lake import Lake
    from common.lake.reader import LakeReader

TABLE = "window_status"
READ_BY: dict[str, tuple[str, ...]] = {
    "delta": (),
    "fg_a": ("delta",),
    "pair_counts": ("delta",),
    "fg_c": ("fg_a", "pair_counts"),
    "inference": ("fg_a", "fg_c"),
}
"""The stages whose tables each stage reads, for the same window."""

FEATURES = ("delta", "fg_a", "pair_counts", "fg_c")
SCORED = (*FEATURES, "inference")
WINDOWS_NAMED = 3
REASON_CHARACTERS = 1000


@dataclass(frozen=True)
class StageStatus:
    """A row of `window_status`: the run of a stage that last began to write a window."""

    stage: str
    revision: str
    derived_from: str
    is_finished: bool
    incomplete_reason: str | None
    written_ts: datetime
    date: str
    window: str


@dataclass(frozen=True)
class WindowStatus:
    """What the stages noted of a window, by stage."""

    stages: Mapping[str, StageStatus] = field(default_factory=dict)

    @property
    def incomplete_reason(self) -> str | None:
        """What is missing of the window's logs; None if nothing is known to be missing."""
        slices = self.stages.get("delta")
        return slices.incomplete_reason if slices else None

    def revisions(self, stages: Sequence[str]) -> str:
        """The revisions of these stages, separated by spaces; empty unless all of them are there."""
        found = [self.stages[stage].revision for stage in stages if stage in self.stages]
        return " ".join(found) if len(found) == len(stages) else ""

    def is_older(self, stage: str) -> bool:
        """Whether a stage that has run has read other revisions than the stages before it have now."""
        return self.stages[stage].derived_from != self.revisions(READ_BY[stage])

    def defect(self, stages: Sequence[str] = FEATURES) -> str | None:
        """Why the tables of these stages are not of one age; None if they are."""
        for stage in stages:
            status = self.stages.get(stage)
            if status is None:
                return f"{stage} has not run"
            if not status.is_finished:
                return f"{stage} has not finished"
            if self.is_older(stage):
                return f"{stage} is older than {' and '.join(READ_BY[stage])}"
        return None


def read_statuses(lake: LakeReader, windows: Windows | None = None) -> dict[str, WindowStatus]:
    """The status of each window that has one, by window key; of all windows if none are given."""
    if not lake.exists(TABLE):
        return {}
    found: dict[str, dict[str, StageStatus]] = {}
    for row in lake.arrow(TABLE, windows=windows).to_pylist():
        found.setdefault(row["window"], {})[row["stage"]] = StageStatus(**row)
    return {window: WindowStatus(stages) for window, stages in found.items()}


def defects(
    statuses: Mapping[str, WindowStatus], held: Iterable[str], stages: Sequence[str] = FEATURES
) -> dict[str, str]:
    """Why windows are not whole, by window key: of those that have a status, and of those that hold rows."""
    found = {key: statuses.get(key, WindowStatus()).defect(stages) for key in sorted({*statuses, *held})}
    return {key: reason for key, reason in found.items() if reason is not None}


def whole_windows(
    lake: LakeReader, windows: Windows, rows_in: str, stages: Sequence[str] = FEATURES
) -> dict[str, WindowStatus]:
    """The statuses of the windows, all of them whole; `rows_in` names the table whose rows are going to be used.

    Raises:
        TableError: a table is missing or unreadable.
        InputError: the tables of a window are not of one age.
    """
    statuses = read_statuses(lake, windows)
    held = lake.arrow(rows_in, ["window"], windows)["window"].unique().to_pylist()
    if found := defects(statuses, held, stages):
        shown = [f"{iso(parse_moment(key))} ({reason})" for key, reason in sorted(found.items())[:WINDOWS_NAMED]]
        more = f" and {len(found) - WINDOWS_NAMED:,} more" if len(found) > WINDOWS_NAMED else ""
        raise InputError(
            f"the tables in {lake.uri} are not of one age in {', '.join(shown)}{more}",
            f"Run {_remedy(found.values())} again for these windows",
        )
    return statuses


def joined_reasons(*reasons: str | None) -> str | None:
    """The reasons why logs are incomplete, in a line; None if there is none."""
    return one_line("; ".join(filter(None, reasons)), REASON_CHARACTERS) or None


def _remedy(reasons: Iterable[str]) -> str:
    return "ndr-inference" if all(reason.startswith("inference ") for reason in reasons) else "ndr-15m"


class Journal:
    """What the stages of a process note in `window_status`."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._held: dict[str, dict[str, StageStatus]] | None = None
        self._has_begun = False

    @contextmanager
    def run(self, stage: str, windows: Windows, incomplete_reason: str | None = None) -> Iterator[dict[str, str]]:
        """Notes the run of a stage: its revision before the block, and after it that it has finished.

        Enter it before the tables of other stages are read, and leave it after the last commit. Windows in which a
        stage before has not run are left out. The block may add further reasons for single windows, by window key, to
        the dictionary that it gets.
        """
        entries = list(self._entries(stage, windows, joined_reasons(incomplete_reason)))
        self._note(entries)
        further: dict[str, str] = {}
        yield further
        self._note(
            replace(
                entry,
                is_finished=True,
                incomplete_reason=joined_reasons(incomplete_reason, further.get(entry.window)),
                written_ts=datetime.now(UTC),
            )
            for entry in entries
        )

    @contextmanager
    def together(self) -> Iterator[None]:
        """Writes all notes of the block in two commits: the first note at once, the others at the end.

        For stages that run one after the other over the same windows: the first one's note tells readers already
        that what follows it is older.
        """
        self._held, self._has_begun = {}, False
        try:
            yield
        finally:
            self.settle()

    def settle(self) -> None:
        """Writes the notes that are held; those of the rest of the block are written at once."""
        held, self._held = self._held, None
        self._commit(status for stages in (held or {}).values() for status in stages.values())

    def _entries(self, stage: str, windows: Windows, incomplete_reason: str | None) -> Iterator[StageStatus]:
        known = read_statuses(self._lake, windows) if READ_BY[stage] else {}
        revision, now = new_id(), datetime.now(UTC)
        for window in windows:
            before = known.get(window.key, WindowStatus()).stages
            noted = (self._held or {}).get(window.key, {})
            read = WindowStatus({**before, **noted}).revisions(READ_BY[stage])
            if read or not READ_BY[stage]:
                date = f"{window.start:%Y-%m-%d}"
                yield StageStatus(stage, revision, read, False, incomplete_reason, now, date, window.key)

    def _note(self, entries: Iterable[StageStatus]) -> None:
        noted = list(entries)
        if self._held is None:
            self._commit(noted)
            return
        if not self._has_begun:
            self._commit(noted)
            self._has_begun = True
        for entry in noted:
            self._held.setdefault(entry.window, {})[entry.stage] = entry

    def _commit(self, entries: Iterable[StageStatus]) -> None:
        """Replaces the rows of these windows and stages."""
        noted = [asdict(entry) for entry in entries]
        if not noted:
            return
        schema = self._lake.table(TABLE).arrow
        fresh = pa.Table.from_pylist(noted, schema=schema)
        replaced = {(row["window"], row["stage"]) for row in noted}

        def merged(before: pa.Table) -> pa.Table:
            keys = zip(before["window"].to_pylist(), before["stage"].to_pylist(), strict=True)
            kept = before.filter(pa.array([key not in replaced for key in keys], pa.bool_()))
            return pa.concat_tables([kept.select(schema.names).cast(schema), fresh])

        self._lake.rewrite(TABLE, {"date": sorted({row["date"] for row in noted})}, merged)
