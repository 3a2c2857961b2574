"""The table `open_sessions` holds what has begun and has not ended, window by window, and is never counted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from common.config.project import ProjectParameters
from common.windows import Windows
from jobs.delta.open_sessions import SCHEMA, still_open
from tests.conftest import Stages, write_sessions
from tests.factories import session as session_row
from tests.factories import sessions, threat
from tests.jobs.delta.deliveries import Delivery, counted, deliver_all, record, rows_of, window
from tests.lakes import assert_same_table
from tests.types import Row

pytestmark = pytest.mark.slow

SECOND = timedelta(seconds=1)
BEGIN = window(0).start + timedelta(minutes=5)
"""When the tunnel of the tests begins."""


def tunnel(subtype: str = "start", start: datetime = BEGIN, lasted: timedelta = timedelta(0), **more: Any) -> Row:
    """A record of a session to a peer of its own: a start log, an update or its end."""
    given = {"session_id": "77", "dst_ip": "203.0.113.5", "rule": "vpn", "src_user": "acme\\ann", "bytes_sent": 0}
    given |= {"start_ts": start, "duration_s": lasted / SECOND, "subtype": subtype} | more
    return session_row(**given)


def until(at: int, seconds: int = 60) -> timedelta:
    """How long the tunnel has lasted so many seconds after the start of a window."""
    return window(at).start + timedelta(seconds=seconds) - BEGIN


def deliver(folder: Path, windows: Iterable[Iterable[Row]]) -> list[str]:
    """A batch folder for each window with these records, and one session that has ended there."""
    made = [Delivery(at, f"{at}", (*rows, *rows_of(at, 1, 10 * at))) for at, rows in enumerate(windows)]
    return list(deliver_all(folder, made).values())


def run_each(stages: Stages, folders: list[str], first: int = 0) -> None:
    for at, folder in enumerate(folders):
        if at >= first:
            stages.delta(str(window(at)), folder, max_rejected_ratio=1)


def held(stages: Stages, *names: str) -> list[tuple[Any, ...]]:
    """The number of the window of each row, and its values."""
    rows = stages.lake.arrow("open_sessions", ["window", *names])
    numbers = {window(at).key: at for at in range(12)}
    found = [(numbers[row.pop("window")], *row.values()) for row in rows.to_pylist()]
    return sorted(found, key=str)


@pytest.mark.parity
def test_a_session_is_open_until_the_window_of_its_end(stages: Stages, tmp_path: Path) -> None:
    """All windows but the first are scanned in place."""
    end = tunnel("end", lasted=until(3), bytes_sent=9000)
    run_each(stages, deliver(tmp_path, [[tunnel()], [], [], [end], []]))
    assert held(stages, "session_id", "start_ts", "dst_ip", "rule", "src_user", "bytes_sent") == [
        (at, "77", BEGIN, "203.0.113.5", "vpn", "acme\\ann", 0) for at in (0, 1, 2)
    ]
    assert [key for key, found in counted(stages).items() if "203.0.113.5" in found] == [window(3).key]
    assert stages.lake.arrow("sessions", ["subtype"])["subtype"].unique().to_pylist() == ["end"]


def test_what_ends_in_its_own_window_is_never_open(stages: Stages, tmp_path: Path) -> None:
    """In whichever order the logs come; an id that is null or 0 is none."""
    end = tunnel("end", lasted=timedelta(seconds=3))
    nameless = [tunnel(session_id=name, start=BEGIN + 9 * SECOND) for name in (None, "0")]
    run_each(stages, deliver(tmp_path, [[end, tunnel(), *nameless], []]))
    assert held(stages) == []
    assert stages.lake.version("open_sessions") == 2


def test_the_last_update_is_carried(stages: Stages, tmp_path: Path) -> None:
    updates = [tunnel("update", lasted=until(1, seconds), bytes_sent=seconds) for seconds in (500, 60)]
    run_each(stages, deliver(tmp_path, [[tunnel(app="incomplete")], updates, []]))
    seen = window(1).start + 500 * SECOND
    assert held(stages, "last_seen_ts", "app", "bytes_sent") == [
        (0, BEGIN, "incomplete", 0), (1, seen, "ssl", 500), (2, seen, "ssl", 500)
    ]  # fmt: skip


@pytest.mark.parametrize("parsed", [False, True], ids=["scanned", "parsed"])
def test_an_end_that_does_not_count_closes_too(stages: Stages, tmp_path: Path, parsed: bool) -> None:
    """One that another window counts and, where records are parsed, those that are late or come twice."""
    other = tunnel("end", lasted=until(2, 870))
    late = tunnel("end", lasted=timedelta(minutes=1), session_id="78", dst_ip="203.0.113.7")
    twice = tunnel("end", lasted=until(2), session_id="79")
    first = [tunnel(session_id=name) for name in ("77", "78", "79", "80")]
    folders = deliver(tmp_path, [first, [], [other, *([late, twice, twice] if parsed else [])], [other]])
    stages.delta(str(window(3)), folders[3])
    run_each(stages, folders[:2])
    report = stages.delta(str(window(2)), folders[2], max_rejected_ratio=1)
    assert ("parse" in [step["step"] for step in report.steps]) == parsed
    assert (report.details["records"]["duplicate"], report.details["records"]["rejected"]) == (1 + parsed, parsed)
    names = {at: [name for place, name in held(stages, "session_id") if place == at] for at in (1, 2)}
    assert names == {1: ["77", "78", "79", "80"], 2: ["80"] if parsed else ["78", "79", "80"]}


def test_session_ids_are_used_again(stages: Stages, tmp_path: Path) -> None:
    """Starts two seconds apart are one session: clocks round. Each device has ids of its own. Threats end nothing."""
    later = BEGIN + timedelta(minutes=20)
    other = tunnel(device_serial=None, dst_ip="203.0.113.8")
    end = tunnel("end", BEGIN + 2 * SECOND, until(2))
    warned = threat(session_id="77", end_ts=window(1).start + SECOND)
    folders = deliver(tmp_path, [[tunnel(), other], [tunnel(start=later), tunnel(start=later + SECOND), warned], [end]])
    run_each(stages, folders)
    found = [(at, serial is None, start) for at, start, serial in held(stages, "start_ts", "device_serial")]
    assert sorted(found) == [
        (0, False, BEGIN), (0, True, BEGIN),
        (1, False, BEGIN), (1, False, later + SECOND), (1, True, BEGIN),
        (2, False, later + SECOND), (2, True, BEGIN),
    ]  # fmt: skip


def many(windows: int = 6) -> list[list[Row]]:
    """Records of sessions that begin in each window and end in it, in a later one, or never."""
    made: list[list[Row]] = [[] for _ in range(windows)]
    for at in range(windows):
        for number, length in enumerate((0, 1, 3, None)):
            start = window(at).start + timedelta(seconds=100 + number)
            name: dict[str, Any] = {"session_id": f"{at}-{number}", "dst_ip": f"203.0.{at}.{number + 1}"}
            made[at].append(tunnel(start=start, **name))
            made[at].append(tunnel("update", start, 30 * SECOND, **name))
            if length is not None and at + length < windows:
                lasted = window(at + length).start + timedelta(seconds=200) - start
                made[at + length].append(tunnel("end", start, lasted, **name))
    return made


@pytest.mark.slow
def test_a_range_makes_the_windows_that_single_runs_make(session: SparkSession, tmp_path: Path) -> None:
    """Again and again, and nothing but the table itself differs from a lake without start logs and updates."""
    folders = deliver(tmp_path / "in", many())
    live, whole, bare = (Stages(session, tmp_path / name) for name in ("live", "range", "bare"))
    run_each(live, folders)
    everything = str(Windows(window(0).start, window(5).end))
    for _ in range(2):
        whole.delta(everything, str(tmp_path / "in"))
        assert_same_table(whole.folder, live.folder, "open_sessions")
    run_each(whole, folders, first=3)  # carried from what the range made
    assert_same_table(whole.folder, live.folder, "open_sessions")
    assert len(held(live)) == 6 * 1 + (4 * 3 + 2 + 1) + (6 + 5 + 4 + 3 + 2 + 1)  # of lengths 1, 3, and without an end
    ended = [[row for row in rows if row["subtype"] == "end"] for rows in many()]
    whole.delta(everything, str(tmp_path / "in"))
    bare.delta(everything, *deliver(tmp_path / "ended", ended))
    for table in ("delta_host", "delta_pair"):
        assert_same_table(bare.folder, live.folder, table)
    assert held(bare) == []


def test_records_without_a_batch_open_and_close_where_they_end(stages: Stages, tmp_path: Path) -> None:
    """A start log may be written a window after the session ended, long after that of its end."""
    short = tunnel(session_id="5", start=window(0).end - 2 * SECOND) | {"log_ts": window(1).start + 9 * SECOND}
    rows = [tunnel(), short, tunnel("end", short["start_ts"], SECOND, session_id="5"), tunnel("end", lasted=until(2))]
    path = write_sessions(sessions(*rows, *rows_of(2, 1)), tmp_path / "all.parquet")
    stages.delta(f"{window(0)}/{window(3)}", path)
    assert held(stages, "session_id") == [(0, "77"), (1, "77")]


def test_a_session_without_an_end_is_forgotten_after_days(session: SparkSession, tmp_path: Path) -> None:
    project = ProjectParameters(open_sessions_days=1)
    day = timedelta(days=1)
    old = tunnel("update", window(1).end - day, day - 60 * SECOND)
    older = tunnel("update", window(1).end - day - SECOND, day - 60 * SECOND, session_id="78")
    stages = Stages(session, tmp_path / "lake", project)
    run_each(stages, deliver(tmp_path, [[], [old, older], []]))
    assert held(stages, "session_id") == [(1, "77")]


def test_what_is_not_carried_is_said_only_if_the_lake_has_earlier_windows(stages: Stages, tmp_path: Path) -> None:
    folders = deliver(tmp_path, [[tunnel()], [], []])
    reports = [stages.delta(str(window(at)), folders[at]) for at in (2, 0, 2, 1, 2)]
    assert [report.details.get("open_sessions") for report in reports] == [
        None, None, f"the lake has no window {window(1)}: what was open before is not known", None, None
    ]  # fmt: skip
    assert held(stages) == [(0,), (1,), (2,)]
    assert [report.tables["open_sessions"]["rows"] for report in reports] == [0, 1, 0, 1, 1]


def test_records_late_beyond_what_is_allowed_open_nothing(stages: Stages, tmp_path: Path) -> None:
    (folder,) = deliver(tmp_path, [[tunnel(start=window(3).start)]])
    report = stages.delta(str(window(0)), folder)
    assert (held(stages), report.details["records"]["uncounted"]) == ([], 1)


def test_old_days_leave_the_table_with_the_single_sessions(session: SparkSession, tmp_path: Path) -> None:
    stages = Stages(session, tmp_path / "lake", ProjectParameters(sessions_retention_days=2))
    for day in (0, 3):
        one = Windows(window(0).start + timedelta(days=day), window(0).end + timedelta(days=day))
        rows = sessions(tunnel(start=one.start + SECOND), record(day, one.start))
        stages.delta(str(one), write_sessions(rows, tmp_path / f"{day}.parquet"))
    assert stages.lake.arrow("open_sessions", ["date"])["date"].to_pylist() == ["2026-03-13"]


def test_of_equal_times_the_record_that_came_last_holds() -> None:
    rows = [dict.fromkeys(SCHEMA.names) for _ in range(3)]
    for number, row in enumerate(rows):
        row |= {"session_id": "1", "start_ts": BEGIN, "last_seen_ts": BEGIN, "bytes_sent": number}
    table = pa.Table.from_pylist(rows, pa.schema([field.with_nullable(True) for field in SCHEMA]))
    found = still_open(table, table.slice(0, 0))
    assert found["bytes_sent"].to_pylist() == [2]
    assert not len(still_open(table, table.slice(1, 1)))
