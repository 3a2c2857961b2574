from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from common.addresses import Segments
from common.calendar.entries import Calendar, Scope, parse_calendar, read_calendar
from common.errors import InputError, NdrError
from common.lake.lake import Lake
from common.windows import Windows
from tests.common.calendar.calendars import calendar_text, put_calendar
from tests.factories import SPEC

DAY = {"start": "2026-03-10T08:00Z", "end": "2026-03-11T18:00+02:00"}
ADDRESSES = ["10.1.1.5", "10.1.2.5", "10.2.0.9@berlin", "203.0.113.7", "fd00::5", "fd00:0:0:1::5"]
SEGMENTS = {"10.1.0.0/16": "office", "fd00::/63": "lab"}


def calendar(*entries: dict[str, Any]) -> Calendar:
    found = parse_calendar(calendar_text(*(DAY | entry for entry in entries)).encode(), "calendar.yaml")
    return Calendar(tuple(Scope(entry, Segments(SEGMENTS)) for entry in found.entries))


@pytest.mark.parametrize(
    ("scope", "places"),
    [
        ({"all_hosts": True}, [0, 1, 2, 3, 4, 5]),
        ({"hosts": ["10.1.1.5"]}, [0]),
        ({"hosts": ["10.1.0.0/255.255.0.0", "203.0.113.0/24"]}, [0, 1, 3]),
        ({"hosts": ["10.2.0.0/24"]}, [2]),
        ({"hosts": ["FD00::/64"]}, [4]),
        ({"segments": ["office"]}, [0, 1]),
        ({"segments": ["lab", "10.2.0.0/24@berlin"]}, [2, 4, 5]),
        ({"segments": ["office"], "hosts": ["203.0.113.7"]}, [0, 1, 3]),
        ({"hosts": ["192.0.2.0/24"]}, []),
    ],
)
def test_who_an_entry_is_about(scope: dict[str, Any], places: list[int]) -> None:
    (one,) = calendar(scope).scopes
    assert [*map(int, one.has(pa.array(ADDRESSES)).nonzero()[0])] == places
    assert one.has(pa.array([], pa.string())).tolist() == []


def test_times_are_in_utc_and_entries_may_overlap() -> None:
    found = calendar({"all_hosts": True}, {"hosts": ["10.1.1.5"], "end": "2026-03-10T09:00Z"})
    assert [scope.entry.end_ts for scope in found.scopes] == [
        datetime(2026, 3, 11, 16, tzinfo=UTC), datetime(2026, 3, 10, 9, tzinfo=UTC),
    ]  # fmt: skip
    after = Windows.parse("2026-03-10T09:08Z")
    assert len(found.touching(after).scopes) == 1 and len(found.touching(after, timedelta(minutes=9)).scopes) == 2
    assert not found.touching(Windows.parse("2026-03-10T07:38Z"))
    assert len(found.touching(Windows.parse("2026-03-10T07:53Z")).scopes) == 2


def test_what_is_over_lets_hosts_forget_unless_it_says_otherwise() -> None:
    found = calendar({"all_hosts": True}, {"all_hosts": True, "keeps_contacts": True})
    assert not found.over(datetime(2026, 3, 11, 15, 59, tzinfo=UTC))
    assert [scope.entry.name for scope in found.over(datetime(2026, 3, 11, 16, tzinfo=UTC)).scopes] == ["entry-0"]


ENTRY = "entries:\n- {name: a, reason: r, owner: o, start: 2026-03-10T08:00Z, end: 2026-03-11T08:00Z"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{ENTRY}}}", "calendar.yaml:2:3: entries[0] (a) is about no hosts. Give all_hosts: true, or hosts or"),
        (f"{ENTRY}, all_hosts: true, hosts: [10.0.0.1]}}", "has all_hosts and others"),
        (f"{ENTRY}, host: [10.0.0.1]}}", "Did you mean entries[0].hosts?"),
        (f"{ENTRY}, hosts: [10.1.1.1/24]}}", "has host bits set"),
        (f"{ENTRY}, hosts: [300.1.1.1]}}", 'hosts[0] is "300.1.1.1"'),
        (f"{ENTRY}, hosts: []}}", "is about no hosts"),
        (f"{ENTRY}, all_hosts: yes}}", 'all_hosts is "yes"'),
        (f"{ENTRY}, segments: [ofice]}}", 'calendar.yaml:2:95: entries[0].segments[0] is "ofice", which no segment of'),
        (f"{ENTRY}, segments: [ofice]}}", "Did you mean office?"),
        (f"{ENTRY}, segments: [zzz]}}", "Give lab, office, or addresses in hosts"),
        (f"{ENTRY}, segments: [10.1.0.0/16]}}", 'segments[0] is "10.1.0.0/16", which no segment'),
        (ENTRY.replace("08:00Z, end", "08:00, end") + "}", 'start is "2026-03-10T08:00", which is no time with a zone'),
        (
            ENTRY.replace("2026-03-11T", "2026-03-09T") + ", all_hosts: true}",
            "(a) ends at 2026-03-09T08:00Z, not after",
        ),
        (
            ENTRY.replace("2026-03-11T", "2026-03-10T") + ", all_hosts: true}",
            "not after its start 2026-03-10T08:00Z. Give a later end",
        ),
        (ENTRY.replace("2026-03-11T", "2036-03-10T") + ", all_hosts: true}", "(a) lasts 3,653 days. Give 366 at most"),
        (ENTRY.replace("2026-03-10T08:00Z", "0001-01-01T00:00+14:00") + "}", "which is no time with a zone"),
        (ENTRY.replace("2026-03-11", "9999-12-31") + "}", "Give a year from 2000 to 2199"),
        ("entries: {}", "entries is {}"),
        ("entry: []", "entry is unknown"),
        ("[]", "the top level is []"),
        ("entries: [", "is not valid YAML"),
        ("\xff", "is not valid YAML"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(text: str, words: str) -> None:
    with pytest.raises(NdrError) as raised:
        parse_calendar(text.encode("latin-1"), "calendar.yaml", SEGMENTS)
    assert words in " ".join(raised.value.lines)


def test_two_entries_of_one_name_and_a_huge_file_are_refused() -> None:
    with pytest.raises(NdrError, match="several entries with the name twice"):
        calendar({"name": "twice", "all_hosts": True}, {"name": "twice", "all_hosts": True})
    with pytest.raises(InputError, match="has 1,000,001 bytes"):
        parse_calendar(b"#" * 1_000_001, "calendar.yaml")


def test_an_empty_file_is_an_empty_calendar_and_a_lake_without_one_has_none(tmp_path: Path) -> None:
    assert parse_calendar(b"", "calendar.yaml").entries == ()
    assert not read_calendar(Lake(str(tmp_path), SPEC))


def test_the_calendar_in_place_is_read(tmp_path: Path) -> None:
    put_calendar(tmp_path, DAY | {"segments": ["10.1.1.0/24"]})
    put_calendar(tmp_path, DAY | {"hosts": ["10.1.1.9"]}, DAY | {"segments": ["10.1.1.0/24"]})
    scopes = read_calendar(Lake(str(tmp_path), SPEC)).scopes
    assert [scope.has(pa.array(["10.1.1.9", "10.1.1.1", "10.1.2.1"])).tolist() for scope in scopes] == [
        [True, False, False], [True, True, False],
    ]  # fmt: skip
