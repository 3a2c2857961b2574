"""What the builder needs of AWS: the tracking table, objects, executions, a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from common.ingestion.events import Announced
from common.ingestion.keys import Key
from common.ingestion.writes import Item, Write


class Table(Protocol):
    """The tracking table, like `common.ingestion.table.TrackingTable`."""

    def write(self, *writes: Write) -> bool:
        """Does all of the writes, or none; False if a condition does not hold."""

    def read(self, keys: Iterable[Key]) -> list[Item]:
        """The items with these keys that exist, as they are now."""

    def pending(self, shard: str, orders: tuple[str, str], most: int | None = None) -> list[Item]:
        """The first items of a partition of the pending index between two orders, as they were a while ago."""


class Objects(Protocol):
    """Objects in buckets."""

    def found(self, announced: Announced) -> Announced | None:
        """The object with its size and ETag; None if it is gone."""

    def put_new(self, bucket: str, key: str, content: bytes) -> bool:
        """Writes an object; False if there is one with the key."""

    def copied(self, announced: Announced, bucket: str, key: str, metadata: Mapping[str, str]) -> bool:
        """Copies the announced version, and verifies the copy; False if that version is gone."""


@dataclass(frozen=True)
class End:
    """How an execution ended, like ABORTED, and its output, which is empty unless it succeeded."""

    status: str
    execution: str
    output: Mapping[str, Any] = field(default_factory=dict)

    @property
    def job_is_done(self) -> bool:
        """Whether the Parquet of the manifest is there."""
        return self.status == self.output.get("status") == "SUCCEEDED"


class Executions(Protocol):
    """The executions of the state machine."""

    def start(self, name: str, text: str) -> bool:
        """Starts an execution with this input, if none of the name exists; False if one may have ended."""

    def end_of(self, name: str) -> End | None:
        """How an execution ended; None if it goes on."""


class Alerts(Protocol):
    """Where failures are said."""

    def send(self, subject: str, text: str) -> None:
        """Sends a message to whoever listens."""


@dataclass(frozen=True)
class Stores:
    """All that is outside; `new_id` makes ids that nobody else makes.

    `executions` is None without a state machine, `alerts` without a topic. Once `may_go_on` is false, there is no time
    to begin anything that a later run can do as well.
    """

    table: Table
    objects: Objects
    executions: Executions | None
    alerts: Alerts | None
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    may_go_on: Callable[[], bool] = lambda: True
