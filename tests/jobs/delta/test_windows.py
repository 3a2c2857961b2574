"""The window in which a session counts is the same live, in a range and in a backfill."""

from __future__ import annotations

import csv
import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from common.errors import InputError
from common.logs import ReadOptions
from common.windows import WINDOW, Windows
from tests.common.logs.panos_logs import threat as threat_line
from tests.common.logs.panos_logs import traffic as traffic_line
from tests.conftest import Stages, write_sessions
from tests.factories import sessions, threat
from tests.jobs.delta.deliveries import Delivery, counted, deliver_all, record, rows_of, window
from tests.lakes import assert_same_table
from tools.parse.config import ParseConfig
from tools.parse.job import run as parse
from tools.simulate.config import SimulateConfig
from tools.simulate.job import run as simulate

TABLES = ("delta_host", "delta_pair", "log_volume", "open_sessions", "session_keys", "sessions", "sessions_rejected")
WINDOWS = 3
WHOLE = Windows(window(0).start, window(WINDOWS - 1).end)


def deliveries() -> list[Delivery]:
    """Batches with late sessions, sessions of too long ago, start logs, and records that come again."""
    dice = random.Random(5)
    made: list[Delivery] = []
    for at in range(WINDOWS):
        own = rows_of(at, 8, 100 * at)
        late = [record(100 * at + 20, window(at).start - timedelta(minutes=4)), threat(end_ts=window(at).end)]
        lost = [record(100 * at + 30, window(at).start - timedelta(minutes=16))]
        before = [row for one in made for row in one.rows]
        again = dice.sample(before, min(len(before), 9))
        start = [record(100 * at + 40, window(at).start, subtype="start")]
        made += [
            Delivery(at, f"{at}-first", (*own, *late, *lost, *own[:2])),
            Delivery(at, f"{at}-second", (*again, *own[4:], *start)),
        ]
    return made


@pytest.mark.slow
def test_live_runs_a_range_and_backfills_make_the_same_tables(session: SparkSession, tmp_path: Path) -> None:
    folders = deliver_all(tmp_path / "in", deliveries())
    inputs = {at: [path for one, path in folders.items() if one.window == at] for at in range(WINDOWS)}
    live, whole = Stages(session, tmp_path / "live"), Stages(session, tmp_path / "range")
    live.delta(str(window(0)), inputs[0][0], max_rejected_ratio=1)  # the second batch comes later
    for at, paths in inputs.items():
        live.delta(str(window(at)), *paths, max_rejected_ratio=1)
    report = whole.delta(str(WHOLE), str(tmp_path / "in"), max_rejected_ratio=1)
    assert report.details["records"]["rejected"] > WINDOWS
    assert live.lake.arrow("sessions_rejected")["window"].unique().to_pylist() != [window(0).key]
    for table in TABLES:
        assert_same_table(whole.folder, live.folder, table)
    backfilled = whole  # a backfill of windows that exist, in any order
    for at in (2, 0):
        backfilled.delta(str(window(at)), *inputs[at], max_rejected_ratio=1)
    for table in TABLES:
        assert_same_table(backfilled.folder, live.folder, table)


def test_a_range_leaves_the_next_batch_to_its_window(stages: Stages, tmp_path: Path) -> None:
    deliver_all(tmp_path / "in", [Delivery(at, f"{at}", tuple(rows_of(at, 5, 10 * at))) for at in range(4)])
    report = stages.delta(f"{window(1)}/{window(3)}", str(tmp_path / "in"))
    assert report.details["batches_of_other_windows"] == 2
    assert report.details["records"] == {
        "read": 10, "kept": 10, "duplicate": 0, "uncounted": 0, "rejected": 0, "outside": 0
    }  # fmt: skip
    assert {key: sum(found.values()) for key, found in counted(stages).items()} == {
        window(1).key: 5, window(2).key: 5
    }  # fmt: skip


@pytest.mark.parametrize("subtype", ["end", "start"], ids=["scanned", "parsed"])
def test_a_range_counts_what_ends_outside_it_apart(stages: Stages, tmp_path: Path, subtype: str) -> None:
    """Two of five records without a batch end outside; no more than the lateness, which matters to batches alone."""
    rows = [row for at in range(5) for row in rows_of(at, 1, 10 * at)]
    rows.append(record(90, window(1).start, subtype=subtype))
    path = write_sessions(sessions(*rows), tmp_path / "all.parquet")
    report = stages.delta(f"{window(1)}/{window(4)}", path, max_rejected_ratio=0.0)
    start_logs = int(subtype == "start")
    assert report.details["records"] == {
        "read": 6, "kept": 4 - start_logs, "duplicate": 0, "uncounted": start_logs, "rejected": 0, "outside": 2
    }  # fmt: skip
    assert {key: sum(found.values()) for key, found in counted(stages).items()} == {
        window(1).key: 2 - start_logs, window(2).key: 1, window(3).key: 1
    }  # fmt: skip
    assert not stages.lake.arrow("sessions_rejected").num_rows


def test_an_input_without_a_batch_of_the_windows_is_an_error(stages: Stages, tmp_path: Path) -> None:
    deliver_all(tmp_path / "in", [Delivery(3, "d", tuple(rows_of(3, 2)))])
    with pytest.raises(InputError, match=r"no batch of the input is of 2026-03-10T08:08Z/2026-03-10T08:38Z; .*/in/d"):
        stages.delta(f"{window(0)}/{window(2)}", str(tmp_path / "in"))


@pytest.mark.slow
def test_totals_of_a_simulated_day_are_its_labels(stages: Stages, tmp_path: Path) -> None:
    """The history as a range over the folder of the whole day, then the last two windows live, as the demo does."""
    simulate(SimulateConfig(out=tmp_path / "day", days=1, hosts=10, intensity=0.02))
    with (tmp_path / "day" / "labels.csv").open() as file:
        labels = Counter(
            {(row["host_ip"], row["window_start"]): int(row["total_flows"]) for row in csv.DictReader(file)}
        )
    day = Windows.parse("2026-03-03T00:08Z/2026-03-04T00:08Z")
    live = list(day)[-2:]
    logs = str(tmp_path / "day" / "fw_paloalto")
    stages.delta(str(Windows(day.start, live[0].start)), logs)
    for one in live:
        stages.delta(str(one), logs)
    rows = stages.lake.arrow("delta_host", ["host_ip", "window_start_ts", "sessions_cnt"]).to_pylist()
    found: Counter[tuple[str, str]] = Counter()
    for row in rows:
        found[row["host_ip"], f"{row['window_start_ts']:%Y-%m-%dT%H:%M:%SZ}"] += row["sessions_cnt"]
    assert {key: found[key] for key in labels} == dict(labels)


@pytest.mark.slow
@pytest.mark.parametrize("windows", ["2026-03-10T08:08Z", "2026-03-10T08:08Z/2026-03-10T08:38Z"])
@pytest.mark.parametrize("subtype", ["end", "start"], ids=["scanned", "parsed"])
def test_parquet_sessions_are_late_by_their_log(stages: Stages, tmp_path: Path, windows: str, subtype: str) -> None:
    """As with any other format. An idle session ends long before its log, and one with a late log is late."""
    start, end = window(0).start, window(0).end
    others = [record(10, end - WINDOW / 2, subtype=subtype) | {"log_ts": end}]
    idle = record(1, start - timedelta(hours=1)) | {"log_ts": start}
    late = record(2, end - WINDOW / 2) | {"log_ts": end + timedelta(minutes=16)}
    (path,) = deliver_all(tmp_path, [Delivery(0, "a", (idle, late, *others))]).values()
    found = stages.delta(windows, path, max_rejected_ratio=1.0).details
    assert found["records"]["rejected"] == 1
    assert found["records"]["kept"] == 1 + (subtype == "end")
    (path,) = deliver_all(tmp_path / "in time", [Delivery(0, "a", (idle, *others))]).values()
    found = stages.delta(windows, path).details
    assert (found["records"]["rejected"], found["zones"]) == (0, {"in_record": 2})


@pytest.mark.parametrize("windows", ["2024-03-11T16:08Z/2024-03-11T16:53Z", "2024-03-11T16:08Z"])
def test_the_parser_counts_as_many_sessions(stages: Stages, tmp_path: Path, windows: str) -> None:
    """Of sessions that are logged again and again, in several files, and of threats without a number.

    They end at 16:22:55 to 16:40:50, or in the single window at 16:22:51 to 16:22:59.
    """
    seconds = (5, 9, 8, 10, 400, 1080) if "/" in windows else (5, 9, 8, 1)
    (tmp_path / "in").mkdir()
    for number, length in enumerate((*seconds, *seconds[:2])):
        lines = [traffic_line(changes={22: f"{at}", 36: f"{length}", 39: ""}) for at in range(1, 4)]
        lines += [lines[0], threat_line(changes={36: ""})]
        (tmp_path / "in" / f"{number}.log").write_text("\n".join(lines))
    expected = stages.delta(windows, str(tmp_path / "in")).details["records"]
    counts = parse(ParseConfig((str(tmp_path / "in"),), ReadOptions(), form="json", stats=True))
    assert {name: counts[name] for name in ("read", "kept", "duplicate")} == {
        name: expected[name] for name in ("read", "kept", "duplicate")
    }
    # three sessions in each of three windows, or in one, and all threats
    assert expected["kept"] == (9 + 8 if "/" in windows else 3 + 6)
