"""The stores of a builder in memory, with the guarantees that AWS gives, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from common.ingestion.events import Announced
from common.ingestion.keys import Key
from common.ingestion.writes import MOST_WRITES, Condition, Item, Test, Value, Write
from jobs.manifest_builder.stores import End, Stores

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
Items = dict[Key, dict[str, Value]]


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment

    def wait(self, seconds: float) -> None:
        """Moves it."""
        self.moment += timedelta(seconds=seconds)


@dataclass
class MemoryTable:
    """The tracking table; its index may be as many writes behind as `lags` says, one number for each query."""

    items: Items = field(default_factory=dict)
    lags: list[int] = field(default_factory=list)
    past: list[Items] = field(default_factory=list)

    def write(self, *writes: Write) -> bool:
        """Does all of the writes, or none; False if a condition does not hold."""
        assert 1 <= len(writes) <= MOST_WRITES
        assert len({write.key for write in writes}) == len(writes)
        if not all(holds(write.condition, self.items.get(write.key, {})) for write in writes):
            return False
        self.past.append(dict(self.items))
        for write in writes:
            before = self.items.get(write.key, {})
            own: dict[str, Value] = {"date_prefix": write.key[0], "file_key": write.key[1]}
            match write.kind:
                case "put":
                    self.items[write.key] = {**write.values, **own}
                case "update":
                    kept = {name: value for name, value in before.items() if name not in write.removed}
                    self.items[write.key] = {**kept, **write.values, **own}
                case "delete":
                    self.items.pop(write.key, None)
        return True

    def read(self, keys: Iterable[Key]) -> list[Item]:
        """The items with these keys that exist."""
        return [self.items[key] for key in dict.fromkeys(keys) if key in self.items]

    def pending(self, shard: str, orders: tuple[str, str], most: int | None = None) -> list[Item]:
        """The first items of a partition of the index between two orders, as they were a while ago."""
        lag = self.lags.pop() if self.lags else 0
        seen = self.past[-lag] if 0 < lag <= len(self.past) else self.items
        found = [item for item in seen.values() if item.get("pending_shard") == shard]
        between = [item for item in found if orders[0] <= str(item["pending_order"]) <= orders[1]]
        return [*sorted(between, key=lambda item: str(item["pending_order"]))[:most]]

    def of_kind(self, kind: str) -> list[dict[str, Value]]:
        """All items of a kind."""
        return [item for item in self.items.values() if item["kind"] == kind]


def holds(condition: Condition, item: Item) -> bool:
    """Whether the condition holds for the item, which is empty if it does not exist."""
    return not condition or any(all(_holds(test, item) for test in tests) for tests in condition)


def _holds(test: Test, item: Item) -> bool:
    value = item.get(test.attribute)
    match test.how:
        case "absent":
            return value is None
        case "exists":
            return value is not None
        case "equals":
            return value in test.values
        case "less":
            limit = test.values[0]
            return isinstance(value, int) and isinstance(limit, int) and value < limit


@dataclass
class MemoryObjects:
    """Buckets; `content` of the objects that builders write, `copies` of those that they quarantine."""

    content: dict[str, bytes] = field(default_factory=dict)
    copies: dict[str, tuple[Announced, Mapping[str, str]]] = field(default_factory=dict)
    landed: list[Announced] = field(default_factory=list)

    def found(self, announced: Announced) -> Announced | None:
        """The object among the landed ones."""
        return next((one for one in self.landed if (one.bucket, one.key) == (announced.bucket, announced.key)), None)

    def put_new(self, bucket: str, key: str, content: bytes) -> bool:
        """Writes an object; False if there is one with the key."""
        return self.content.setdefault(f"s3://{bucket}/{key}", content) is content

    def copied(self, announced: Announced, bucket: str, key: str, metadata: Mapping[str, str]) -> bool:
        """Copies the object, unless its key says that it is gone."""
        if "gone" in announced.key:
            return False
        self.copies[f"s3://{bucket}/{key}"] = announced, metadata
        return True


@dataclass
class MemoryExecutions:
    """Executions by name: their input, and how they ended."""

    inputs: dict[str, str] = field(default_factory=dict)
    ends: dict[str, End] = field(default_factory=dict)

    def start(self, name: str, text: str) -> bool:
        """Starts an execution; False if it has ended, or goes on with another input."""
        goes_on = name not in self.ends and self.inputs.get(name, text) == text
        self.inputs.setdefault(name, text)
        return goes_on

    def end_of(self, name: str) -> End | None:
        """How an execution ended; None if it goes on."""
        return self.ends.get(name) if name in self.inputs else End("unknown", name)

    def end(self, name: str, how: str, **output: str) -> None:
        """Ends an execution."""
        self.ends[name] = End(how, name, output)


@dataclass
class MemoryAlerts:
    """The alerts that were sent: subject, and the text's values."""

    sent: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def send(self, subject: str, text: str) -> None:
        """Sends one."""
        self.sent.append((subject, json.loads(text)))


@dataclass
class Memory:
    """All stores together."""

    table: MemoryTable = field(default_factory=MemoryTable)
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    executions: MemoryExecutions = field(default_factory=MemoryExecutions)
    alerts: MemoryAlerts = field(default_factory=MemoryAlerts)
    clock: Clock = field(default_factory=Clock)
    ids: int = 0

    def new_id(self) -> str:
        """The next id."""
        self.ids += 1
        return f"id-{self.ids}"

    @property
    def stores(self) -> Stores:
        """The stores as a builder has them."""
        return Stores(self.table, self.objects, self.executions, self.alerts, self.clock, self.new_id)


def notification(*announced: Announced, event: str = "ObjectCreated:Put") -> str:
    """The body of a message of S3."""
    return json.dumps({"Records": [_record(one, event) for one in announced]})


def _record(announced: Announced, event: str) -> dict[str, object]:
    thing = {"key": announced.key.replace(" ", "+"), "size": announced.size, "eTag": announced.etag}
    thing |= {"versionId": announced.version_id} if announced.version_id else {}
    return {"eventName": event, "s3": {"bucket": {"name": announced.bucket}, "object": thing}}


def queue_event(*bodies: str) -> dict[str, object]:
    """An event of the queue whose messages have these bodies, and the ids m0, m1, ..."""
    return {"Records": [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]}
