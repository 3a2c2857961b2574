from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.detection.alerts.allow_list import TABLE, AllowEntry, expired, parse_allow_list, read_allowed
from common.detection.alerts.cases import find_cases
from common.detection.alerts.terms import TRUE
from common.detection.alerts.triage import triaged
from common.errors import InputError, NdrError
from common.lake.lake import Lake
from common.lake.put_texts import put_text
from tests.common.detection.alerts.alerting_lake import WHOLE, within, write_alerts
from tests.common.detection.alerts.test_triage import C2, OTHER, change
from tests.common.detection.model_lake import host
from tests.factories import SPEC

BASE = {"name": "backup", "reason": "nightly", "owner": "ann", "expires": "2026-12-31"}
NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Beacons of hosts 3 and 4 to one address, of 5 to another, and logins of 6 at 8."""
    popular = C2 | {"others": {"peer": 40}}
    return write_alerts(tmp_path, [(0, 3, popular), (1, 4, popular), (2, 5, OTHER), (3, 6, within(8, 445))])


def entries(*given: dict[str, Any]) -> tuple[AllowEntry, ...]:
    return parse_allow_list(yaml.safe_dump({"entries": [BASE | one for one in given]}).encode(), "allow.yaml").entries


def hidden(lake: Lake, *given: dict[str, Any]) -> list[str]:
    return sorted(case.source for case, _ in triaged(find_cases(lake, SPEC, None), [], entries(*given))[1])


@pytest.mark.parametrize(
    ("scope", "places"),
    [
        ({"hosts": [host(3)]}, [3]),
        ({"hosts": ["10.0.0.0/8"]}, [3, 4, 5, 6]),
        ({"hosts": ["192.0.2.0/24"]}, []),
        ({"peers": ["203.0.113.9"]}, [3, 4]),
        ({"peers": ["203.0.113.0/24"]}, [3, 4, 5]),
        ({"peers": ["203.0.113.0/24"], "hosts": [host(5)]}, [5]),
        ({"ports": [443]}, [3, 4, 5]),
        ({"ports": [443, 445]}, [3, 4, 5, 6]),
        ({"ports": [443], "behaviours": ["scan"]}, []),
        ({"ports": [445], "behaviours": ["lateral movement"]}, [6]),
        ({"segments": ["elsewhere"]}, []),
        ({"peers": ["203.0.113.9"], "expires": "2000-01-01"}, []),
    ],
)
def test_an_entry_hides_what_agrees_with_all_its_lists(lake: Lake, scope: dict[str, Any], places: list[int]) -> None:
    assert hidden(lake, scope) == sorted(map(host, places))


def test_the_last_day_still_counts(lake: Lake) -> None:
    day = WHOLE[0].start
    assert len(hidden(lake, {"ports": [443], "expires": f"{day:%Y-%m-%d}"})) == 3
    (entry,) = entries({"ports": [443], "expires": "2026-03-20"})
    assert expired([entry], NOW) == [] and expired([entry], datetime(2026, 3, 21, tzinfo=UTC)) == [entry]


def test_a_case_with_another_peer_is_something_new(tmp_path: Path) -> None:
    lake = write_alerts(tmp_path, [(0, 3, C2), (0, 3, OTHER)])
    assert hidden(lake, {"peers": ["203.0.113.9"]}) == []
    assert hidden(lake, {"peers": ["203.0.113.9", "203.0.113.77"]}) == [host(3)]


def test_what_is_said_of_a_case_itself_comes_first(lake: Lake) -> None:
    cases = find_cases(lake, SPEC, None)
    case = next(case for case in cases if case.source == host(3))
    (entry,) = entries({"ports": [443]})
    assert [one.source for one, rule in triaged(cases, [change(case, TRUE)], [entry])[1]] == [host(5), host(4)]
    shown, found = triaged(cases, [], [entry])
    assert {rule.change_id for _, rule in found} == {"allow-list:backup"}
    assert {rule.note for _, rule in found} == {"backup: nightly"} and len(shown) + len(found) == len(cases)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("entries:\n- {name: a}", "allow.yaml:2:3: entries[0].reason is missing. Add it: a text"),
        ("entries:\n- {name: a, reason: r, owner: o, expires: 2026-01-01}", "has no scope"),
        ("entries:\n- {name: a, reason: r, owner: o, expires: 2026-01-01, behaviours: [scan]}", "has no scope"),
        ("entries:\n- {name: a, reason: r, owner: o, expires: 2026-02-30, ports: [1]}", 'expires is "2026-02-30"'),
        ("entries:\n- {name: a, reason: r, owner: o, expires: soon, ports: [1]}", "Give a date like 2026-06-30"),
        ("entries:\n- {name: a, reason: r, owner: o, expires: 2026-01-01, ports: [70000]}", "ports[0] is 70000"),
        ("entries:\n- {name: a, reason: r, owner: o, expires: 2026-01-01, hosts: [10.1.1.1/24]}", "has host bits set"),
        (
            "entries:\n- {name: a, reason: r, owner: o, expires: 2026-01-01, ports: [1], behaviours: [scam]}",
            "behaviours[0] is 'scam', which no case resembles. Give one of scan, ",
        ),
        (
            "entries:\n- {name: a, reason: r, owner: o, expires: 2026-01-01, port: [1]}",
            "Did you mean entries[0].ports?",
        ),
        ("entry: []", "entry is unknown"),
        ("entries: [", "is not valid YAML"),
        ("\xff", "is not valid YAML"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(text: str, words: str) -> None:
    with pytest.raises(NdrError) as raised:
        parse_allow_list(text.encode("latin-1"), "allow.yaml")
    assert words in " ".join(raised.value.lines)


def test_two_entries_of_one_name_and_a_huge_file_are_refused() -> None:
    with pytest.raises(NdrError, match="several entries with the name backup"):
        entries({"ports": [1]}, {"ports": [2]})
    with pytest.raises(InputError, match="has 1,000,001 bytes"):
        parse_allow_list(b"#" * 1_000_001, "allow.yaml")


def test_the_list_that_was_put_in_place_holds(lake: Lake) -> None:
    assert read_allowed(lake) == ()
    put_text(lake, TABLE, "allow list", yaml.safe_dump({"entries": [BASE | {"ports": [443]}]}), "ann", NOW)
    assert [entry.ports for entry in read_allowed(lake)] == [(443,)]
