import pytest

from common.detection.alerts import techniques
from common.detection.alerts.techniques import resembles
from common.detection.explanation import Reason
from tests.common.detection.alerts.alerting_lake import PAIR
from tests.factories import SPEC
from tests.types import Row


def reason(feature: str, value: float | None, added: float, kind: str = "outbound") -> Reason:
    return Reason(feature, value, 0.0, added, kind)


SCANNING = [reason("spread_failed_new_uses", 60.0, 3.0), reason("pair_peer_rarity", 5.0, 2.0)]
SCANNED = [reason("spread_failed_new_uses", 60.0, 3.0, "inbound_internal")]
SCANNING_INSIDE = [reason("spread_new_uses", 396.0, 1.0, "outbound_internal"), reason("pair_peer_rarity", 5.0, 3.0)]
VISITED = [reason("spread_new_peers", 60.0, 3.0, "inbound")]
BROWSED = [reason("spread_new_peers", 60.0, 3.0)]
MOST = {"failed_24h": 0.0, "sessions_24h": 1.0, "sessions_15m": 1.0, "net_sent_24h": 1000.0}
UPLOAD = {"sent_day": 90_000_000, "pieces": {"net_sent_24h": 5.0}, "most": MOST}


@pytest.mark.parametrize(
    ("reasons", "differs", "expected"),
    [
        (SCANNING, {}, techniques.SCAN),
        (SCANNED, {"kind": "inbound_internal"}, techniques.SCANNED),
        (SCANNED, {"peer_port": 25}, techniques.BEACON),  # what is named has the direction of what is shown
        (VISITED, {"kind": "inbound", "peer_port": 443}, techniques.OUTSIDE_ACCESS),  # new clients of a server
        (SCANNING_INSIDE, {}, techniques.SCAN),  # beside a stronger contact outside
        ([*SCANNING_INSIDE, reason("pair_peer_rarity", 5.0, 5.0)], {}, techniques.BEACON),  # ... one that is most of it
        (BROWSED, {}, techniques.BEACON),  # new servers outside that answer
        ([reason("spread_failed_new_uses", 9.0, 3.0)], {}, techniques.BEACON),
        ([], {}, techniques.BEACON),
        ([], {"sessions_day": 1, "lasting_windows": 14}, techniques.BEACON),  # once in 24 hours, and for days
        ([], {"sessions_day": 1}, techniques.CONTACT),
        ([], {"sessions": 900, "sessions_day": 900, "failed_day": 900}, techniques.FLOOD),
        ([], UPLOAD, techniques.EXFILTRATION),
        ([], UPLOAD | {"received_day": 95_000_000}, techniques.BEACON),  # a download
        ([], {"peer_port": 53, "sessions_day": 800}, techniques.TUNNEL),
        ([], {"peer_port": 22, "sessions_day": 300}, techniques.BRUTE_FORCE),
        ([], {"kind": "inbound", "peer_port": 3389, "sessions_day": 300}, techniques.BRUTE_FORCE),
        ([], {"kind": "inbound", "peer_port": 8080}, techniques.OUTSIDE_ACCESS),
        ([], {"kind": "inbound", "peer_port": 8080, "failed_day": 12}, techniques.PROBED),
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
