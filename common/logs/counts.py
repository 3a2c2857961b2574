"""How many records were kept, and what happened to the others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from common.display import counted
from common.logs.batches import ParsedBatch
from common.logs.holes import Hole


@dataclass
class Counts:
    """Number of records that were read, and of each outcome; the outcomes add up to the records read.

    `others` are the uncounted records that describe no session, by kind; `zones` says for how many sessions the zone of
    their times came from where. `holes` are the files, and parts of files, that nobody could read; `rejected_by_file`
    are the rejects of each file.
    """

    read: int = 0
    kept: int = 0
    duplicate: int = 0
    uncounted: int = 0
    rejected: int = 0
    others: Counter[str] = field(default_factory=Counter)
    zones: Counter[str] = field(default_factory=Counter)
    holes: list[Hole] = field(default_factory=list)
    rejected_by_file: Counter[str] = field(default_factory=Counter)

    def add(self, batch: ParsedBatch) -> None:
        """Counts what is certain of a batch: all but the status of its sessions."""
        self.read += batch.records_read
        self.uncounted += sum(batch.others.values())
        self.others.update(batch.others)
        self.zones.update(batch.zones)
        self.rejected += batch.rejects.num_rows
        if batch.rejects.num_rows:
            self.rejected_by_file[batch.rejects.column("source_file")[0].as_py()] += batch.rejects.num_rows
        if batch.hole:
            self.holes.append(batch.hole)

    def include(self, others: Counts) -> None:
        """Adds the counts of other records."""
        for name in ("read", "kept", "duplicate", "uncounted", "rejected"):
            setattr(self, name, getattr(self, name) + getattr(others, name))
        for name in ("others", "zones", "rejected_by_file"):
            getattr(self, name).update(getattr(others, name))
        self.holes += others.holes

    def add_up(self) -> bool:
        """Whether every record has exactly one outcome."""
        return self.read == self.kept + self.duplicate + self.uncounted + self.rejected

    @property
    def damaged_files(self) -> int:
        """Number of files of which a part could not be read."""
        return len({hole.path for hole in self.holes if hole.line is not None})

    @property
    def unexplained_rejects(self) -> int:
        """Rejects of files that are not damaged: the share of these shows whether the logs are read as they should."""
        return self.rejected - sum(self.rejected_by_file[path] for path in {hole.path for hole in self.holes})

    @property
    def unreadable_files(self) -> int:
        """Number of files of which nothing could be read."""
        return len({hole.path for hole in self.holes if hole.line is None})

    @property
    def missing_bytes(self) -> int:
        """Bytes, as stored, that are known not to have been read; a file that was cut off adds none."""
        return sum(hole.missing_bytes or 0 for hole in self.holes)

    @property
    def incomplete_reason(self) -> str | None:
        """Why the records are not complete, in a line; None where nothing is known to be missing."""
        if not self.holes:
            return None
        first = self.holes[0]
        place = first.path if first.line is None else f"{first.path} line {first.line}"
        files = f"{counted(self.damaged_files, 'damaged file')}, {self.unreadable_files:,} that cannot be read"
        return f"{files}; the first: {place}: {first.reason}"

    def of_records(self) -> dict[str, int]:
        """The numbers of records by name."""
        return {name: getattr(self, name) for name in ("read", "kept", "duplicate", "uncounted", "rejected")}

    def of_kinds(self) -> dict[str, dict[str, int]]:
        """The records that describe no session by kind, and the sessions by where the zone of their times came from."""
        return {name: dict(sorted(getattr(self, name).items())) for name in ("others", "zones")}

    def of_holes(self) -> dict[str, int]:
        """How much could not be read, by name."""
        return {name: getattr(self, name) for name in ("damaged_files", "unreadable_files", "missing_bytes")}
