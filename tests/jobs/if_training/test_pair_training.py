import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from common.config.training import TrainingParameters
from common.detection.detector import Detector
from common.detection.members.member import FitSettings, Samples
from common.detection.members.pairs import PairsMember, pair_samples, windows_of
from common.detection.members.spread import SpreadMember
from common.detection.pairs.activity import activity_of, read_activity
from common.detection.pairs.owners import OwnersFile, read_owners
from common.detection.pairs.reading import window_number
from common.detection.registry.artifacts import model_files
from common.lake.lake import Lake
from common.runtime.engine import Engine
from common.storage.kept_tables import KeptTables
from common.windows import WINDOW, Windows
from jobs.if_training import pair_parts
from jobs.if_training.odd_habits import described
from jobs.if_training.pair_parts import Scope, keep_parts
from jobs.if_training.pair_training import Chosen, Spans, examined, sample, with_pairs
from tests.common.calendar.calendars import put_calendar
from tests.common.detection import model_lake
from tests.common.detection.pairs.owner_files import write_owners
from tests.common.detection.pairs.pair_tables import CIDRS, busy_hosts, quarter, slice_row, write_pairs
from tests.common.detection.synthetic import PARAMETERS, SETTINGS, structured
from tests.conftest import ENGINE
from tests.factories import SPEC

END = datetime(2026, 3, 10, 0, 8, tzinfo=UTC)
LAST = Windows(quarter(END, -1), END)
RANGE = Windows(END - timedelta(days=60), END)
HOSTS = 40
DAYS = 30
MOST = TrainingParameters().max_pair_rows
THREADS = Engine("sail")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake in which each of 40 hosts has one pair in the last window of each of 30 days: 40 rows a day."""
    starts = [quarter(END - timedelta(days=age), -1) for age in range(DAYS)]
    rows = [slice_row(start, host_ip=f"10.0.0.{number}") for start in starts for number in range(HOSTS)]
    return Lake(str(write_pairs(tmp_path, rows)), SPEC)


def sampled(lake: Lake, windows: Windows, days_rows: float, most: float = MOST) -> Chosen:
    """The windows and hosts to learn from, with these limits of pair rows for more days and for all hosts."""
    found = sample(lake, windows, replace(PARAMETERS.pairs, training_rows=int(days_rows)), int(most))
    assert found is not None
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("limit_days", "days"), [(100, 28), (28, 28), (9.5, 9), (9, 9), (5, 5), (1, 5)])
def test_as_many_days_as_the_limit_allows_and_all_windows(lake: Lake, limit_days: float, days: int) -> None:
    found = sampled(lake, RANGE, limit_days * HOSTS)
    windows = Windows(END - timedelta(days=days), END)
    first = Windows(quarter(END - timedelta(days=days - 1), -1), END - timedelta(days=days - 1))
    assert found == Chosen(windows, None, HOSTS, days * HOSTS, first, LAST)
    assert found.figures(0) == {"hosts": HOSTS, "days": days}


@pytest.mark.slow
def test_of_too_many_rows_windows_are_drawn_and_always_the_same(source: Lake) -> None:
    found = sampled(source, PAIRED, 1, 900)
    assert found.drawn is not None
    starts = set(source.arrow("delta_pair", ["window_start_ts"], PAIRED)["window_start_ts"].to_pylist())
    numbers = {window_number(start) for start in starts}
    assert set(found.drawn) < numbers and list(found.drawn) == sorted(found.drawn)
    assert len(found.drawn) == ceil(900 / found.rows * len(numbers))
    assert {number % 4 for number in found.drawn} == {number % 4 for number in numbers}  # of no minute alone
    assert sampled(source, PAIRED, 1, 900) == found
    assert found.figures(900) == {
        "hosts": 15,
        "days": 2,
        "windows_drawn": len(found.drawn),
        "windows_reason": f"{found.rows:,} pair rows of 2 days are more than max_pair_rows 900",
    }


def test_days_without_rows_take_no_room(tmp_path: Path) -> None:
    """A lake that is a day old: its rows are fewer than the limit, which five such days would exceed."""
    rows = [slice_row(LAST.start, host_ip=f"10.0.0.{number}") for number in range(HOSTS)]
    lake = Lake(str(write_pairs(tmp_path, rows)), SPEC)
    assert sampled(lake, RANGE, HOSTS, HOSTS).drawn is None


def test_a_short_range_is_taken_whole(lake: Lake) -> None:
    short = Windows(END - timedelta(days=2), END)
    found = sampled(lake, short, PARAMETERS.pairs.training_rows)
    assert (found.windows, found.drawn, found.rows) == (short, None, 2 * HOSTS)


def test_a_range_without_pairs_has_nothing_to_learn(lake: Lake) -> None:
    assert sample(lake, Windows(END, END + WINDOW), PARAMETERS.pairs, MOST) is None


PAIRED = Windows(model_lake.RANGE.end - timedelta(days=2), model_lake.RANGE.end)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with the pairs of hosts over three dates, one of which is there on a date only, and some features."""
    folder = model_lake.make_lake(tmp_path_factory.mktemp("lake"))
    rows = [
        row | {"host_ip": row["host_ip"].replace("10.0.0.", "10.20.0.")} for row in busy_hosts(PAIRED.start, 14, 192)
    ]
    rows += [slice_row(PAIRED.end - WINDOW, host_ip="10.20.0.99", peer_ip="2001:db8::7", role="inbound")]
    return Lake(str(write_pairs(folder, rows)), SPEC)


EAGER = replace(
    SETTINGS,
    parameters=replace(
        PARAMETERS, pairs=replace(PARAMETERS.pairs, habit_days=1, habit_pairs=10, habit_share=0.05, history_share=0.1)
    ),
)
"""With these, the oddest habit of a few hosts is odd."""


def learnt(
    lake: Lake,
    most: int = MOST,
    settings: FitSettings = SETTINGS,
    owners: OwnersFile | None = None,
    engine: Engine = THREADS,
) -> tuple[Detector, dict[str, Any]]:
    """The detector with the pairs of the lake, and the figures."""
    detector, _ = Detector.fit(Samples(features=structured(300, 0)), settings)
    training = TrainingParameters(max_pair_rows=most)
    return with_pairs(detector, lake, PAIRED, settings, "7d", CIDRS, training, owners, engine)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("most", "settings"), [(MOST, SETTINGS), (900, SETTINGS), pytest.param(MOST, EAGER, marks=pytest.mark.parity)]
)
def test_parts_of_the_hosts_give_the_same_model_as_all_at_once(
    source: Lake,
    session: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    settings: FitSettings,
) -> None:
    owners = read_owners(write_owners(tmp_path / "asn.mmdb")) if settings is EAGER else None
    whole, figures = learnt(source, most, settings, owners)
    assert bool(figures["odd_habits"]) == (settings is EAGER)
    assert figures["hosts"] == 15 and ("windows_drawn" in figures) == (most == 900)
    assert {"alert_share", "windows"} <= set(figures) or most == 900
    made: list[int] = []

    def counted(scope: Scope, engine: Engine) -> list[Any]:
        parts = keep_parts(scope, engine)
        made.append(len(parts))
        return parts

    monkeypatch.setattr("jobs.if_training.pair_training.keep_parts", counted)
    monkeypatch.setattr(pair_parts, "ROWS_PER_PART", 1)  # a part for each host
    by_parts, figures_of_parts = learnt(source, most, settings, owners, Engine(ENGINE, session=session))
    assert made == [15]
    assert figures_of_parts == figures
    assert model_files(by_parts) == model_files(whole)
    activity = activity_of(source, Windows(PAIRED.end - 4 * WINDOW, PAIRED.end), CIDRS, PARAMETERS.pairs, owners)
    assert activity is not None
    assert activity["owner"].null_count < len(activity) or not owners
    keys = windows_of(activity)
    samples = Samples(keys, structured(len(keys), 1), activity)
    scores = whole.score_samples(samples)
    assert np.ptp(scores) > 0
    np.testing.assert_array_equal(by_parts.score_samples(samples), scores)


@pytest.mark.slow
def test_hosts_keep_their_past_where_windows_are_drawn(source: Lake) -> None:
    """Each host that has pairs in a drawn window is known; the calibration has the rows of these windows alone."""
    whole, _ = learnt(source)
    detector, _ = learnt(source, 900)
    assert detector.pairs and whole.pairs and detector.calibration and whole.calibration
    assert detector.calibration.rows < whole.calibration.rows
    model, of_all = detector.pairs.model, whole.pairs.model
    hosts = next(iter(of_all.maxima.values())).hosts
    assert next(iter(model.maxima.values())).hosts.tolist() == hosts.tolist() and len(hosts) == 15
    assert set(model.p_values) == set(of_all.p_values)
    for kind, p_values in model.p_values.items():
        assert p_values.hosts.hosts.tolist() == of_all.p_values[kind].hosts.hosts.tolist()
    assert model.p_values["outbound"].rows < of_all.p_values["outbound"].rows


@pytest.mark.slow
def test_drawing_every_window_gives_the_model_of_all(source: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, _ = learnt(source)
    every = tuple(range(window_number(PAIRED.start), window_number(PAIRED.end)))

    def drawn(*given: Any) -> Chosen | None:
        found = sample(*given)
        return found and replace(found, drawn=every)

    monkeypatch.setattr("jobs.if_training.pair_training.sample", drawn)
    found, figures = learnt(source)
    assert figures["windows_drawn"] == len(every)
    assert model_files(found) == model_files(expected)


@pytest.mark.slow
def test_what_is_learnt_by_dates_and_parts_is_what_the_whole_activity_says(source: Lake) -> None:
    activity = pa.concat_tables(list(read_activity(source, PAIRED, CIDRS, PARAMETERS.pairs))).combine_chunks()
    samples = pair_samples(activity, PARAMETERS.pairs)
    detector, _ = learnt(source)
    assert detector.pairs and detector.spread
    for name, found, member in (("pairs", detector.pairs, PairsMember), ("spread", detector.spread, SpreadMember)):
        expected, _ = member.fit(samples, SETTINGS)
        assert found.model.to_dict() == expected.model.to_dict()
        arrays = expected.model.arrays(name)
        assert {key: array.tolist() for key, array in found.model.arrays(name).items()} == {
            key: array.tolist() for key, array in arrays.items()
        }


TESTER = "10.20.0.200"


@pytest.mark.slow
def test_what_lies_in_the_calendar_teaches_nothing(source: Lake, tmp_path: Path) -> None:
    """A model that an entry has kept from a scan is that of a lake without the scan, byte by byte."""
    rows = [*source.arrow("delta_pair").to_pylist()]
    # hosts that have a past are not compared with how many others there are by now
    rows += [slice_row(PAIRED.start - timedelta(days=3), host_ip=host) for host in {row["host_ip"] for row in rows}]
    source = Lake(str(write_pairs(model_lake.make_lake(tmp_path / "source"), rows)), SPEC)
    folder = model_lake.make_lake(tmp_path / "scanned")
    scan = [
        slice_row(quarter(PAIRED.start, 150 + number), host_ip=TESTER, peer_ip=f"10.20.0.{last}", failed_cnt=1)
        for number in range(3)
        for last in range(1, 15)
    ]
    answers = [row | {"host_ip": row["peer_ip"], "peer_ip": TESTER, "role": "inbound"} for row in scan]
    lake = Lake(str(write_pairs(folder, [*rows, *scan, *answers])), SPEC)
    (day,) = {row["window_start_ts"].date() for row in scan}
    (expected, figures), (scanned, _) = learnt(source), learnt(lake)
    assert model_files(scanned) != model_files(expected)
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    span = {"start": scan[0]["window_start_ts"].isoformat(), "end": (midnight + timedelta(days=1)).isoformat()}
    put_calendar(folder, span | {"hosts": [TESTER]})
    found, left_out = learnt(Lake(lake.uri, SPEC))
    assert model_files(found) == model_files(expected)
    assert figures["left_out_by_calendar"]["rows"] == 0
    assert left_out["left_out_by_calendar"] == {
        "hosts": 15, "days": 1, "rows": len(scan) + len(answers),
        "rows_found": figures["left_out_by_calendar"]["rows_found"] + len(scan) + len(answers),
    }  # fmt: skip
    put_calendar(folder, span | {"start": "2026-01-01T00:00Z", "all_hosts": True})
    assert learnt(Lake(lake.uri, SPEC))[1] == {"reason": "the training range has no pairs"}


def test_nothing_is_left_of_the_evidence_of_parts(source: Lake) -> None:
    learnt(source)
    assert list(Path(source.uri).rglob("*.arrow")) == []


def workload(tmp_path: Path, anomalous_from: int, share: float = 0.2) -> dict[str, Any]:
    """How a model of four days of 20 hosts that meet one of 5 peers in every second window alerts in the last of it.

    From some window on, they meet ever new ones.
    """
    start = END - timedelta(days=4)
    rows = []
    for number in range(0, 4 * 96, 2):
        for host in range(20):
            new = number >= anomalous_from
            peer = f"203.{number % 250}.{number // 250}.{host + 1}" if new else f"198.51.100.{(host + number) % 5 + 1}"
            rows.append(slice_row(quarter(start, number), host_ip=f"10.0.0.{host}", peer_ip=peer, failed_cnt=int(new)))
    lake = Lake(str(write_pairs(tmp_path, rows)), SPEC)
    chosen = sampled(lake, Windows(start, END), PARAMETERS.pairs.training_rows)
    spans = Spans.of(chosen, PARAMETERS.pairs.history_share, share)
    scope = Scope(
        lake, spans.windows(chosen.windows), None, CIDRS, PARAMETERS.pairs, KeptTables(str(tmp_path / "kept")), None
    )
    (tmp_path / "kept").mkdir()
    return examined(scope, keep_parts(scope, THREADS), spans, 0.99, SETTINGS)


def test_a_workload_that_goes_on_alerts_as_rarely_as_before(tmp_path: Path) -> None:
    found = workload(tmp_path, 1_000)
    assert found["alert_share"] <= 0.01
    assert (found["windows"], found["windows_before"]) == (20 * 38, 20 * 92)  # the first two fifths are history only


def test_a_model_that_alerts_in_the_block_shows_it(tmp_path: Path) -> None:
    assert workload(tmp_path, 350)["alert_share"] > 0.3


def test_few_windows_are_not_judged(tmp_path: Path) -> None:
    assert "20 windows in the validation block" in workload(tmp_path, 1_000, 0.005)["reason"]


def test_pairs_of_one_window_have_no_block_to_examine(lake: Lake, tmp_path: Path) -> None:
    chosen = sampled(lake, LAST, PARAMETERS.pairs.training_rows)
    spans = Spans.of(chosen, PARAMETERS.pairs.history_share, 0.2)
    scope = Scope(lake, LAST, None, CIDRS, PARAMETERS.pairs, KeptTables(str(tmp_path / "kept")), None)
    (tmp_path / "kept").mkdir()
    assert (
        "one side of the validation block"
        in examined(scope, keep_parts(scope, THREADS), spans, 0.99, SETTINGS)["reason"]
    )


def test_an_odd_habit_is_named_and_its_host_stands_out_though_it_always_did_it(tmp_path: Path) -> None:
    """A tunnel of one host that was there on every day, among hosts that share what they do."""
    start = END - timedelta(days=7)
    rng = np.random.default_rng(1)
    rows = [
        slice_row(
            start + at, host_ip=f"10.0.0.{host}", peer_ip=f"198.51.{network}.7", sessions_cnt=int(rng.integers(1, 9))
        )
        for at in (number * 3 * timedelta(hours=1) for number in range(7 * 8))
        for host in range(1, 21)
        for network in range(12)
    ]
    rows += [
        slice_row(
            start + number * WINDOW, host_ip="10.0.0.5", peer_ip=peer, peer_port=4444, sessions_cnt=40, failed_cnt=40
        )
        for number in range(0, 7 * 96, 4)
        for peer in ("203.0.113.9", "2001:db8::9")[: 1 + number % 8 // 4]
    ]
    lake = Lake(str(write_pairs(tmp_path, rows)), SPEC)
    windows = Windows(start, END)
    activity = activity_of(lake, windows, CIDRS, PARAMETERS.pairs)
    assert activity is not None
    member, _ = PairsMember.fit(pair_samples(activity, PARAMETERS.pairs), SETTINGS)
    found = described(lake, windows, member.model.habits, PARAMETERS.pairs)
    assert {(one["host_ip"], one["network"], one["port"]) for one in found} == {
        ("10.0.0.5", "203.0.113.0/24", 4444),
        ("10.0.0.5", "2001:db8::/64", 4444),
    }
    assert [one["decades"] for one in found] == sorted((one["decades"] for one in found), reverse=True)
    last = activity_of(lake, Windows(END - timedelta(hours=3), END), CIDRS, PARAMETERS.pairs)
    assert last is not None
    told = member.explain(Samples(windows_of(last), activity=last))
    hosts = windows_of(last)["host_ip"].to_pylist()
    assert {hosts[row] for row in np.argsort(-told.scores)[:2]} == {"10.0.0.5"}
    pair = json.loads(told.strongest_pairs[int(np.argmax(told.scores))])[0]
    assert pair["habit"] and pair["new"] == [] and pair["others"]["use"] == 0
    assert pair["sessions_day"] > 10 * pair["most"]["sessions_24h"]  # what others reached, not the host itself
    assert not any(
        pair["habit"] for text in told.strongest_pairs for pair in json.loads(text) if pair["peer_port"] == 443
    )
