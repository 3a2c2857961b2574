from datetime import UTC, datetime

import pytest

from common.cases.customers import NOBODY
from common.cases.evidence import Evidence
from common.cases.inventory import UNKNOWN
from common.cases.users import Users
from common.cases.views import CaseView
from common.detection.alerts.alerting import Alert
from common.detection.alerts.cases import group
from common.detection.alerts.techniques import BEACON, SCAN, Technique
from common.windows import WINDOW
from tests.common.detection.alerts.alerting_lake import PAIR
from tests.types import Row

START = datetime(2026, 3, 10, 1, 8, tzinfo=UTC)
SESSIONS = Evidence("pair_sessions_24h", "count", 12.0, 1.0, "none", 0.5, "12 sessions with one peer")
TARGETS = Evidence("spread_failed_peers", "count", 60.0, 1.0, "none", 0.2, "60 peers with failed sessions only")


def view(pairs: list[Row], technique: Technique = BEACON) -> CaseView:
    """A case of one alert with these pairs."""
    alert = Alert("10.1.0.3", "10.1.0.0/24", START, START + WINDOW, 0.9999, 9.0, (), tuple(pairs), technique)
    (case,) = group([alert])
    return CaseView(case, {}, Users(), NOBODY, (SESSIONS, TARGETS), UNKNOWN, (), None, None)


@pytest.mark.parametrize(
    ("pairs", "did"),
    [
        ([], "did what is unusual"),
        ([PAIR], "met 203.0.113.9 on port 443: 12 sessions, 6 failed, 4 kB sent"),
        ([PAIR, PAIR | {"peer_port": 22}], "met 203.0.113.9 on ports 22 and 443: 24 sessions, 12 failed, 8 kB sent"),
        (
            [PAIR | {"peer_ip": f"203.0.113.{place}", "peer_port": place, "sessions_day": 1, "failed_day": 0}
             for place in range(1, 6)],
            "met 203.0.113.1 and 4 more on 5 ports: 5 sessions, 0 failed, 20 kB sent",
        ),
    ],
)  # fmt: skip
def test_a_case_in_a_sentence(pairs: list[Row], did: str) -> None:
    assert view(pairs).sentence == f"10.1.0.3 {did}. 12 sessions with one peer"


def test_only_what_a_case_is_mainly_about_is_in_its_sentence() -> None:
    """Sessions with others that met in the same windows do not add to those of the brute force."""
    other = PAIR | {"peer_ip": "203.0.113.10", "decades": 4.0}
    assert "met 203.0.113.9 on port 443: 12 sessions, 6 failed, 4 kB sent." in view([PAIR, other]).sentence


@pytest.mark.parametrize(
    ("pairs", "did"),
    [
        ([PAIR | {"peer_port": port} for port in range(5)], "tried at least 5 ports of 203.0.113.9"),
        (
            [PAIR | {"peer_ip": f"203.0.113.{place}", "decades": 9.0 - 2 * place} for place in range(3)],
            "tried at least 3 hosts on port 443, 203.0.113.0 among them",
        ),
        (
            [PAIR, PAIR | {"peer_ip": "203.0.113.7", "peer_port": 22}],
            "tried at least 2 hosts on at least 2 ports, 203.0.113.7 among them",
        ),
        ([], "did what is unusual"),
    ],
)
def test_the_contacts_of_a_scan_are_a_sample_and_not_all_that_it_tried(pairs: list[Row], did: str) -> None:
    assert view(pairs, SCAN).sentence == f"10.1.0.3 {did}. 60 peers with failed sessions only"


def test_several_sources_are_counted() -> None:
    shared = PAIR | {"others": {"peer": 0, "network": 0, "service": 0, "use": 0}}
    alerts = [
        Alert(f"10.1.0.{host}", "10.1.0.0/24", START, START + WINDOW, 0.9999, 9.0, (), (shared,), BEACON)
        for host in (3, 4)
    ]
    (case,) = group(alerts)
    found = CaseView(case, {}, Users(), NOBODY, (SESSIONS,), UNKNOWN, (), None, None)
    did = "10.1.0.3 and 10.1.0.4 met 203.0.113.9 on port 443: 24 sessions, 12 failed, 8 kB sent"
    assert found.sentence == f"{did}. 12 sessions with one peer"
