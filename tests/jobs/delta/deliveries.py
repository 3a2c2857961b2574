"""Mini-batches with records that are delivered again, and what must hold of the windows that counted them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from common.lake.session_keys import SessionKeys, Snapshot
from common.storage.batches import EVENT_FILE, event_content
from common.windows import WINDOW, Windows, parse_moment
from tests.conftest import Stages, write_sessions
from tests.factories import session, sessions
from tests.types import Row

FIRST = Windows.parse("2026-03-10T08:08Z")
LATENESS = timedelta(minutes=15)


@dataclass(frozen=True, eq=False)
class Delivery:
    """A mini-batch of a window, the number of windows after `FIRST`."""

    window: int
    name: str
    rows: tuple[Row, ...]


def window(number: int) -> Windows:
    """The window that begins so many windows after `FIRST`."""
    return Windows(FIRST.start + number * WINDOW, FIRST.end + number * WINDOW)


def deliver(folder: Path, event: str | datetime, table: pa.Table) -> str:
    """A batch folder with the sessions and its event; its path."""
    folder.mkdir(parents=True)
    write_sessions(table, folder / "part-00000.parquet")
    moment = parse_moment(event) if isinstance(event, str) else event
    (folder / EVENT_FILE).write_bytes(event_content(moment))
    return str(folder)


def deliver_all(root: Path, deliveries: Iterable[Delivery]) -> dict[Delivery, str]:
    """The deliveries as batch folders; the path of each."""
    return {
        one: deliver(root / one.name, window(one.window).end + timedelta(seconds=5), sessions(*one.rows))
        for one in deliveries
    }


def record(number: int, end: datetime, **overrides: Any) -> Row:
    """A session that ends then and can be told in `delta_pair` by its peer."""
    return session(end_ts=end, dst_ip=f"198.51.{number // 250}.{number % 250 + 1}", **overrides)


def rows_of(at: int, count: int, first: int = 0) -> list[Row]:
    """Records that end in the window, one every seven seconds; `first` sets them apart from other calls' records."""
    return [record(first + number, window(at).start + timedelta(seconds=7 * number + 1)) for number in range(count)]


def counted(stages: Stages) -> dict[str, Counter[str]]:
    """How often each window counts the sessions with each peer."""
    found: dict[str, Counter[str]] = {}
    rows = stages.lake.arrow("delta_pair", ["window", "role", "peer_ip", "sessions_cnt"]).to_pylist()
    for row in rows:
        if row["role"] == "outbound":
            found.setdefault(row["window"], Counter())[row["peer_ip"]] += row["sessions_cnt"]
    return found


def random_deliveries(dice: random.Random, windows: int = 4, records: int = 40) -> list[Delivery]:
    """Two batches for each window: records that end in it or near it, many of them delivered more than once."""
    rows = []
    for number in range(records):
        seconds = dice.randrange(windows * WINDOW.seconds + 1)
        rows.append(record(number, FIRST.start + timedelta(seconds=seconds // 450 * 450 + dice.choice((0, 0, 1, 449)))))
    parts: dict[tuple[int, int], list[Row]] = {(at, part): [] for at in range(windows) for part in range(2)}
    for row in rows:
        own = (row["end_ts"] - FIRST.start) // WINDOW
        for _ in range(dice.choice((1, 2, 3))):
            at = min(max(own + dice.choice((-2, -1, 0, 0, 1, 2, 3)), 0), windows - 1)
            parts[at, dice.randrange(2)].append(row)
    return [
        Delivery(at, f"{at}-{dice.random()}", tuple(part or [record(records + at, window(at).start)]))
        for (at, _), part in parts.items()
    ]


def within_lateness(deliveries: Iterable[Delivery]) -> set[str]:
    """The peers of the records of which some delivery is in time."""
    return {
        row["dst_ip"]
        for one in deliveries
        for row in one.rows
        if window(one.window).start - LATENESS <= row["end_ts"] <= window(one.window).end + LATENESS
    }


def check_deliveries_in_random_order(stages: Stages, root: Path, seed: int) -> None:
    """Checks that every record counts once, whatever the order in which its deliveries are processed.

    As live, each delivery has its window processed again with all that has arrived for it, some of them at once.
    """
    dice = random.Random(seed)
    folders = deliver_all(root, random_deliveries(dice))
    order = list(folders)
    dice.shuffle(order)
    arrived: dict[int, list[str]] = {}
    while order:
        batch = [order.pop() for _ in range(min(len(order), dice.choice((1, 1, 2, 3))))]
        for one in batch:
            arrived.setdefault(one.window, []).append(folders[one])
        process_at_once(stages, {one.window: arrived[one.window] for one in batch})
    assert_each_once(stages, within_lateness(folders), f"seed {seed}")


def check_windows_at_once(stages: Stages, root: Path, seed: int) -> None:
    """Checks that of three windows that claim the same records at the same time each record has one.

    All of them compare with the same version of the table, so that all but one must compare again.
    """
    rows, dice = rows_of(1, 30), random.Random(seed)
    parts = [Delivery(at, f"{at}", tuple(dice.sample(rows, 25))) for at in range(3)]
    folders = deliver_all(root, parts)
    barrier, snapshot, seen = Barrier(len(parts)), SessionKeys.snapshot, []

    def together(keys: SessionKeys) -> Snapshot:
        found = snapshot(keys)
        seen.append(keys)
        if seen.count(keys) == 1:
            barrier.wait(60)
        return found

    with patch.object(SessionKeys, "snapshot", together):
        process_at_once(stages, {one.window: [path] for one, path in folders.items()})
    assert len(seen) >= 5  # three at once, two again
    assert_each_once(stages, {row["dst_ip"] for one in parts for row in one.rows}, f"seed {seed}")
    held = {file.name for file in (stages.folder / "session_keys").rglob("*.parquet")}
    committed = stages.lake.delta("session_keys").file_uris()
    assert held == {uri.rpartition("/")[2] for uri in committed}


def process_at_once(stages: Stages, inputs: Mapping[int, Sequence[str]]) -> None:
    """Processes windows with their inputs in threads that start at the same time."""
    with ThreadPoolExecutor(len(inputs)) as pool:
        running = [
            pool.submit(stages.delta, str(window(at)), *given, max_rejected_ratio=1.0) for at, given in inputs.items()
        ]
        for one in running:
            one.result()


def assert_each_once(stages: Stages, peers: set[str], message: str = "") -> None:
    """Checks that exactly these peers have a session, and each of them one."""
    total: Counter[str] = sum(counted(stages).values(), Counter())
    assert total == Counter(peers), message
