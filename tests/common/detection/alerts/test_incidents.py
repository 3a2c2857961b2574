import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from common.contracts import tables
from common.detection.alerts import techniques
from common.detection.alerts.incidents import Incident, find_incidents
from common.detection.alerts.suppression import (
    Mark,
    feedback_store,
    mark_of,
    read_marks,
    remove_mark,
    suppress,
    verdict_of,
    write_mark,
)
from common.detection.alerts.techniques import resembles
from common.detection.explanation import Reason
from common.lake.lake import Lake
from common.windows import WINDOW, Windows
from tests.common.detection.model_lake import HOSTS, RANGE, Overrides, host, rows, write
from tests.factories import SPEC
from tests.types import Row

PAIR = {
    "peer_ip": "203.0.113.9", "peer_port": 443, "kind": "outbound", "decades": 9.0, "new": ["peer"],
    "others": {"peer": 0, "network": 0, "service": 9, "use": 0}, "sessions": 2, "failed": 1, "sent": 500,
    "sessions_day": 12, "failed_day": 6, "sent_day": 4000, "received_day": 100,
    "most": {"failed_24h": 0.0, "sessions_24h": 1.0, "sessions_15m": 1.0, "net_sent_24h": 900.0},
    "pieces": {"peer_rarity": 3.0, "failed_24h": 5.0},
}  # fmt: skip
WHOLE = list(RANGE)


def write_alerts(lake: Path, alerts: Sequence[tuple[int, int, Row]], score: float = 0.9999) -> Lake:
    """Predictions in which (window number, host number, pair) alert."""
    for number, window in enumerate(WHOLE):
        mine = {place: pair for at, place, pair in alerts if at == number}
        overrides: Overrides = {
            "anomaly_score": dict.fromkeys(range(HOSTS), 0.5) | dict.fromkeys(mine, score),
            "raw_score": dict.fromkeys(range(HOSTS), 1.0) | dict.fromkeys(mine, 9.0 + number),
            "top_features": dict.fromkeys(range(HOSTS), "[]"),
            "pair_evidence": {place: json.dumps([pair]) for place, pair in mine.items()},
            "model_id": dict.fromkeys(range(HOSTS), "if-1"),
            "model_sha256": dict.fromkeys(range(HOSTS), "00"),
        }
        write(lake, tables(SPEC)["predictions"], rows("predictions", window, number, overrides=overrides))
    return Lake(str(lake), SPEC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lateral = PAIR | {"kind": "outbound_internal", "peer_ip": "10.20.0.77", "peer_port": 445}
    return write_alerts(tmp_path, [(0, 3, PAIR), (1, 3, PAIR), (7, 3, PAIR), (2, 5, PAIR), (3, 3, lateral)])


def test_windows_of_a_host_and_technique_are_one_incident_until_an_hour_passes(lake: Lake) -> None:
    found = {(entry.host_ip, entry.technique.name, entry.start): entry for entry in find_incidents(lake, SPEC, None)}
    first = found[host(3), "beacon", WHOLE[0].start]
    assert (first.end, first.windows, first.peak) == (WHOLE[1].end, 2, WHOLE[1].start)
    assert (host(3), "beacon", WHOLE[7].start) in found  # five windows later
    assert found[host(3), "lateral movement", WHOLE[3].start].windows == 1
    assert len(found) == 4


def test_earlier_incidents_of_the_host_are_counted(lake: Lake) -> None:
    found = {(entry.host_ip, entry.start): entry.earlier for entry in find_incidents(lake, SPEC, None)}
    assert found == {(host(3), WHOLE[0].start): 0, (host(3), WHOLE[3].start): 1, (host(3), WHOLE[7].start): 2,
                     (host(5), WHOLE[2].start): 0}  # fmt: skip


def test_an_incident_is_the_same_whatever_windows_are_asked_for(lake: Lake) -> None:
    whole = {entry.incident_id: entry for entry in find_incidents(lake, SPEC, None)}
    part = find_incidents(lake, SPEC, Windows(WHOLE[1].start, WHOLE[1].end))
    assert [entry.start for entry in part] == [WHOLE[0].start]  # it began before
    assert part[0].incident_id in whole
    again = find_incidents(lake, SPEC, None)
    assert [entry.incident_id for entry in again] == list(whole)


def test_only_alerting_windows_count(lake: Lake) -> None:
    assert not find_incidents(lake, SPEC, None, min_score=1.0)


def mark(
    incident: Incident, verdict: str = "expected", scope: str = "host", any_peer: bool = False, days: float = 1
) -> Mark:
    expires = incident.start + timedelta(days=days)
    times = [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (incident.start, expires)]
    return mark_of(incident, verdict, "backup", scope, any_peer, *times)


def test_marks_suppress_the_same_technique_of_the_host_with_the_peer(lake: Lake) -> None:
    incidents = find_incidents(lake, SPEC, None)
    beacon = next(entry for entry in incidents if entry.start == WHOLE[0].start)
    shown, quiet = suppress(incidents, [mark(beacon)])
    assert {entry.start for entry, _ in quiet} == {WHOLE[0].start, WHOLE[7].start}
    assert {(entry.host_ip, entry.technique.name) for entry in shown} == {
        (host(5), "beacon"),
        (host(3), "lateral movement"),
    }
    assert len(suppress(incidents, [mark(beacon, scope="segment")])[1]) == 3
    assert len(suppress(incidents, [mark(beacon, verdict="true")])[1]) == 0


def test_marks_expire(lake: Lake) -> None:
    incidents = find_incidents(lake, SPEC, None)
    beacon = next(entry for entry in incidents if entry.start == WHOLE[0].start)
    expired = mark(beacon, days=3 * WINDOW / timedelta(days=1))
    assert {entry.start for entry, _ in suppress(incidents, [expired])[1]} == {WHOLE[0].start}


def test_another_peer_is_not_covered_unless_any_is(tmp_path: Path) -> None:
    other = PAIR | {"peer_ip": "203.0.113.10"}
    incidents = find_incidents(write_alerts(tmp_path, [(0, 3, PAIR), (7, 3, other)]), SPEC, None)
    first = next(entry for entry in incidents if entry.start == WHOLE[0].start)
    assert len(suppress(incidents, [mark(first)])[1]) == 1
    assert len(suppress(incidents, [mark(first, any_peer=True)])[1]) == 2


def test_marks_are_kept_replaced_and_removed(lake: Lake, tmp_path: Path) -> None:
    store = feedback_store(str(tmp_path))
    incident = find_incidents(lake, SPEC, None)[0]
    assert read_marks(store) == []
    write_mark(store, mark(incident, "true"))
    write_mark(store, mark(incident, "false"))
    (kept,) = read_marks(store)
    assert kept.verdict == verdict_of(incident, [kept]) == "false"
    assert remove_mark(store, "unknown") is None
    assert remove_mark(store, kept.mark_id) == kept
    assert read_marks(store) == []


def reason(feature: str, value: float | None, added: float, kind: str = "outbound") -> Reason:
    return Reason(feature, value, 0.0, added, kind)


SCANNING = [reason("spread_failed_new_uses", 60.0, 3.0), reason("pair_peer_rarity", 5.0, 2.0)]
MOST = {"failed_24h": 0.0, "sessions_24h": 1.0, "sessions_15m": 1.0, "net_sent_24h": 1000.0}
UPLOAD = {"sent_day": 90_000_000, "pieces": {"net_sent_24h": 5.0}, "most": MOST}


@pytest.mark.parametrize(
    ("reasons", "differs", "expected"),
    [
        (SCANNING, {}, techniques.SCAN),
        ([reason("spread_failed_new_uses", 60.0, 3.0, "inbound_internal")], {}, techniques.SCANNED),
        ([reason("spread_failed_new_uses", 9.0, 3.0)], {}, techniques.BEACON),
        ([], {}, techniques.BEACON),
        ([], {"sessions_day": 1}, techniques.CONTACT),
        ([], {"sessions": 900, "sessions_day": 900, "failed_day": 900}, techniques.FLOOD),
        ([], UPLOAD, techniques.EXFILTRATION),
        ([], UPLOAD | {"received_day": 95_000_000}, techniques.BEACON),  # a download
        ([], {"peer_port": 53, "sessions_day": 800}, techniques.TUNNEL),
        ([], {"peer_port": 22, "sessions_day": 300}, techniques.BRUTE_FORCE),
        ([], {"kind": "inbound", "peer_port": 3389, "sessions_day": 300}, techniques.BRUTE_FORCE),
        ([], {"kind": "inbound", "peer_port": 8080}, techniques.OUTSIDE_ACCESS),
        ([], {"kind": "outbound_internal", "peer_port": 445, "sessions_day": 4}, techniques.LATERAL),
        ([], {"kind": "inbound_internal", "peer_port": 5985, "sessions_day": 4}, techniques.LATERAL),
        ([], {"kind": "outbound_internal", "peer_port": 8000}, techniques.CONTACT),
    ],
)
def test_what_an_alert_resembles(reasons: list[Reason], differs: Row, expected: techniques.Technique) -> None:
    assert resembles(reasons, [PAIR | differs], SPEC) == expected


PROBE = PAIR | {"sessions": 1, "sessions_day": 1, "failed": 1, "failed_day": 1}


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([PROBE | {"peer_port": port} for port in range(4)], techniques.SCAN),
        ([PROBE | {"kind": "inbound_internal", "peer_port": port} for port in range(4)], techniques.SCANNED),
        ([PROBE | {"peer_port": port} for port in range(3)], techniques.CONTACT),
        ([PROBE | {"failed_day": 0}] * 4, techniques.CONTACT),
        ([PROBE | {"new": []}] * 4, techniques.CONTACT),
        ([PAIR, *([PROBE] * 4)], techniques.BEACON),
    ],
)
def test_probes_are_a_scan(pairs: list[Row], expected: techniques.Technique) -> None:
    assert resembles([], pairs, SPEC) == expected


@pytest.mark.parametrize(("sent", "expected"), [(3.0, techniques.EXFILTRATION), (2.0, techniques.BEACON)])
def test_an_upload_that_is_regular_too_is_an_upload(sent: float, expected: techniques.Technique) -> None:
    pair = PAIR | UPLOAD | {"sent_day": 2_000_000, "pieces": {"net_sent_24h": sent, "regular_24h": 5.0}}
    assert resembles([], [pair | {"sessions_day": 90}], SPEC) == expected


def test_without_pairs_the_activity_as_a_whole_is_unusual() -> None:
    assert resembles([reason("peer_ip_nunique_w_15m", 400.0, 3.0)], [], SPEC) == techniques.VOLUME
