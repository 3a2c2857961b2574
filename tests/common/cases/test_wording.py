from dataclasses import replace
from datetime import UTC, datetime

import pytest

from common.cases.reasons import Scored
from common.cases.wording import contact_words, pair_words, peer_words
from common.detection.alerts.contacts import Contact
from common.detection.explanation import Reason
from tests.common.detection.alerts.alerting_lake import PAIR


@pytest.mark.parametrize(
    ("feature", "value", "most", "words"),
    [
        ("pair_peer_rarity", 4.0, 0.0, "203.0.113.9 is new to the host, known to 6 % of the hosts"),
        ("pair_network_rarity", 7.0, 0.0,
         "the network of 203.0.113.9 is new to the host, known to less than 1 % of the hosts"),
        ("pair_service_rarity", 1.0, 0.0,
         "the service of 203.0.113.9:443 is new to the host, known to 50 % of the hosts"),
        ("pair_failed_24h", 412.0, 8.1, "412 failed sessions with 203.0.113.9:443 in 24 h, up to 9 is ordinary"),
        ("pair_failed_24h", 1.0, 0.0, "1 failed session with 203.0.113.9:443 in 24 h, up to 0 is ordinary"),
        ("pair_net_sent_24h", 31.4e6, 3.8e6,
         "31.4 MB net upload to 203.0.113.9:443 in 24 h, up to 3.8 MB is ordinary"),
        ("pair_regular_24h", 0.844, 0.36,
         "sessions with 203.0.113.9:443 at regular intervals in 24 h: 84.4 % regular, up to 36 % is ordinary"),
        ("pair_regular_new_24h", 0.95, 0.0,
         "sessions at regular intervals with 203.0.113.9:443, first seen in the last 24 h: 95 % regular, "
         "up to 0 % is ordinary"),
        ("pair_lasting_even", 0.71, 0.0,
         "contacts with 203.0.113.9:443 at regular intervals over days: 71 % regular, up to 0 % is ordinary"),
        ("pair_lasting_days", 2.5, 0.0,
         "2.5 days of contact with 203.0.113.9:443, which few other hosts know, up to 0 is ordinary"),
        ("spread_new_peers", 1.0, 0.0, "1 peer contacted for the first time in 15 min, up to 0 is ordinary"),
        ("spread_failed_new_uses", 60.0, 3.0, "60 failed first contacts in 15 min, up to 3 is ordinary"),
        ("w_15m_peer_ip_nunique", 6.0, 1.0, None),
    ],
)  # fmt: skip
def test_reasons_about_pairs_in_words(feature: str, value: float, most: float, words: str | None) -> None:
    assert pair_words(Reason(feature, value, most, 1.0, "outbound"), PAIR) == words


@pytest.mark.parametrize(
    ("feature", "value", "most", "words"),
    [
        ("pair_peer_rarity", 6.0, 0.0, "203.0.113.9 is a lasting contact of the host, known to 2 % of the hosts"),
        ("pair_use_rarity", 6.0, 0.0,
         "the service of 203.0.113.9:443 is a lasting one of the host in that network, known to 2 % of the hosts"),
        ("pair_sessions_24h", 240.0, 6.2, "240 sessions with 203.0.113.9:443 in 24 h, other hosts reach 7 there"),
        ("pair_regular_24h", 0.95, 0.2,
         "sessions with 203.0.113.9:443 at regular intervals in 24 h: 95 % regular, other hosts reach 20 % there"),
    ],
)  # fmt: skip
def test_an_odd_habit_is_compared_with_other_hosts(feature: str, value: float, most: float, words: str) -> None:
    assert pair_words(Reason(feature, value, most, 1.0, "outbound"), PAIR | {"habit": True}) == words
    assert "compared with other hosts" in peer_words(PAIR | {"habit": True})
    assert "habit" not in peer_words(PAIR)


def test_the_owner_of_a_network_is_named() -> None:
    owned = PAIR | {"owner": "AS64500 Example Hosting"}
    reason = Reason("pair_network_rarity", 6.0, 0.0, 1.0, "outbound")
    assert pair_words(reason, owned) == (
        "the owner of 203.0.113.9, AS64500 Example Hosting, is new to the host, known to 2 % of the hosts"
    )
    assert pair_words(reason, owned | {"habit": True}) == (
        "the owner of 203.0.113.9, AS64500 Example Hosting, is a lasting contact of the host, known to 2 % of the hosts"
    )
    assert pair_words(replace(reason, feature="pair_peer_rarity"), owned) == (
        "203.0.113.9 is new to the host, known to 2 % of the hosts"
    )
    assert peer_words(owned).startswith("-> 203.0.113.9:443 (outside, AS64500 Example Hosting): ")
    assert peer_words(PAIR).startswith("-> 203.0.113.9:443 (outside): ")


def test_what_logs_say_of_a_pair_is_named() -> None:
    others = {"peer": 0, "network": 3, "app": 0, "domain": 0, "owner": 5}
    named = {"app": "ssh", "domain": "example.com", "owner": "AS64500"}
    said = PAIR | named | {"new": ["app", "domain"], "others": others}
    reason = Reason("pair_service_rarity", 6.0, 0.0, 1.0, "outbound")
    known = "known to 2 % of the hosts"
    assert pair_words(reason, said) == f"ssh on port 443, as with 203.0.113.9, is new to the host, {known}"
    lasting = f"ssh on port 443, as with 203.0.113.9, is a lasting use of the host, {known}"
    assert pair_words(reason, said | {"habit": True}) == lasting
    of_network = replace(reason, feature="pair_network_rarity")
    assert pair_words(of_network, said) == f"example.com, at 203.0.113.9, is new to the host, {known}"
    wide = said | {"new": ["owner", "domain"], "others": others | {"domain": 9}}
    assert pair_words(of_network, wide) == f"the owner of 203.0.113.9, AS64500, is new to the host, {known}"
    assert pair_words(reason, said | {"new": []}) == pair_words(reason, PAIR)
    assert pair_words(reason, PAIR) == f"the service of 203.0.113.9:443 is new to the host, {known}"
    assert peer_words(said).startswith("-> 203.0.113.9:443 (outside, ssh, example.com, AS64500): ")


def test_a_threat_is_named_by_its_severity() -> None:
    reason = Reason("pair_threat", 5.0, 0.0, 1.0, "outbound")
    words = "the firewall reported a threat of severity critical in sessions with"
    assert pair_words(reason, PAIR) == f"{words} 203.0.113.9:443"
    assert pair_words(replace(reason, value=4.0), None) == f"{words.replace('critical', 'high')} one peer"
    assert "; threat of severity low; seen by " in peer_words(PAIR | {"threat": "low"})


def test_a_contact_names_the_owner_of_its_network() -> None:
    moment = datetime(2026, 3, 10, tzinfo=UTC)
    contact = Contact(
        "10.0.0.1", "203.0.113.9", 443, "outbound", 9.0, 12, 6, 4000, 100, ("peer",), 3, "", moment, moment
    )
    words = contact_words(contact, {"10.0.0.1"}, str)
    assert words == "-> 203.0.113.9:443: 12 sessions in 24 h, 6 failed, 4000 sent; new: peer; known to 3 other hosts"
    owned = replace(contact, owner="AS64500 Example Hosting")
    assert contact_words(owned, {"10.0.0.1"}, str) == words.replace(":443:", ":443 (AS64500 Example Hosting):")


def test_a_lasting_contact_is_not_called_new() -> None:
    reason = Reason("pair_peer_rarity", 6.0, 0.0, 1.0, "outbound")
    words = pair_words(reason, PAIR | {"lasting_windows": 14})
    assert words == "203.0.113.9 is a lasting contact of the host, known to 2 % of the hosts"


def test_a_reason_about_a_pair_that_is_not_known() -> None:
    reason = Reason("pair_sessions_24h", 12.0, 1.0, 1.0, "inbound")
    assert pair_words(reason, None) == "12 sessions with one peer in 24 h, up to 1 is ordinary"


def test_a_reason_is_about_the_strongest_pair_of_its_kind() -> None:
    other = PAIR | {"kind": "inbound", "peer_ip": "198.51.100.7"}
    scored = Scored(9.0, [], [other, PAIR, PAIR | {"peer_port": 22}])
    assert scored.pair(Reason("pair_sessions_24h", 12.0, 1.0, 1.0, "outbound")) == PAIR
    assert scored.pair(Reason("pair_sessions_24h", 12.0, 1.0, 1.0, "outbound_internal")) is None
