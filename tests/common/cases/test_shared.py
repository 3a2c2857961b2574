from pathlib import Path
from typing import Any

import pytest

from common.cases.shared import Clients, Shared, clients_of
from common.cases.users import Users
from common.detection.alerts.cases import Case, find_cases
from common.lake.lake import Lake
from tests.common.detection.alerts.alerting_lake import PAIR, WHOLE, write_alerts
from tests.common.detection.model_lake import host
from tests.factories import SPEC, table_row
from tests.lakes import write_table

PROXY, BAD, OTHER = host(3), "203.0.113.9", "198.51.100.1"


def session(place: int = 0, **differs: Any) -> dict[str, Any]:
    """A session of the proxy with an ordinary peer, in the window with that number."""
    base = {"src_ip": PROXY, "dst_ip": OTHER, "src_user": None, "nat_src_ip": None, "repeat_count": 1}
    return {"window_of": WHOLE[place], **base, **differs}


def lake_of(folder: Path, sessions: list[dict[str, Any]]) -> tuple[Lake, Case]:
    """A lake with a case of the proxy in its first window, and these sessions."""
    lake = write_alerts(folder, [(0, 3, PAIR)])
    table = lake.table("sessions")
    write_table(folder, "sessions", [table_row(table, row.pop("window_of"), **row) for row in sessions])
    (case,) = find_cases(lake, SPEC, None)
    return Lake(lake.uri, SPEC), case


def shared(lake: Lake, case: Case) -> Shared | None:
    """Who is behind the source of the case."""
    return clients_of(lake, [case])[case.case_id].shared


USERS = [session(src_user=f"user-{number}", repeat_count=number) for number in range(1, 8)]


def test_many_users_share_an_address_and_who_met_the_odd_peer_is_named(tmp_path: Path) -> None:
    odd = session(src_user="user-2", dst_ip=BAD, repeat_count=3)
    lake, case = lake_of(tmp_path, [*map(dict, USERS), odd, session(1, src_user="later"), session(src_user=None)])
    found = shared(lake, case)
    assert found
    assert found.clients == {"user-7": 7, "user-6": 6, "user-2": 5, "user-5": 5, "user-4": 4, "user-3": 3, "user-1": 1}
    assert found.odd == {"user-2": 3}
    assert found.words == (
        "shared address: 7 users, user-7 (7 sessions), user-6 (6 sessions), user-2 (5 sessions), user-5 (5 sessions), "
        "user-4 (4 sessions) and 2 more; what is odd here did user-2 (3 sessions)"
    )
    assert found.to_dict()["clients_cnt"] == 7 and len(found.to_dict()["clients"]) == 5


def test_where_the_logs_do_not_say_who_did_it_the_case_says_so(tmp_path: Path) -> None:
    lake, case = lake_of(tmp_path, [*map(dict, USERS), session(dst_ip=BAD)])
    found = shared(lake, case)
    assert found
    assert found.odd == {} and found.words.endswith("and 2 more; who of them did this is not in the logs")


def test_addresses_that_are_translated_to_one_share_it(tmp_path: Path) -> None:
    behind = [session(src_ip=host(place), nat_src_ip=PROXY, dst_ip=BAD if place == 5 else OTHER) for place in (4, 5)]
    lake, case = lake_of(tmp_path, [*behind, session(nat_src_ip=PROXY)])
    found = shared(lake, case)
    assert found
    assert found == Shared("address", {host(4): 1, host(5): 1}, {host(5): 1})
    assert found.words == (
        f"shared address: NAT of 2 addresses, {host(4)} (1 session), {host(5)} (1 session); "
        f"what is odd here did {host(5)} (1 session)"
    )


@pytest.mark.parametrize("sessions", [[dict(row) for row in USERS[:4]], [session(src_ip=host(4), nat_src_ip=PROXY)]])
def test_a_few_users_or_one_address_are_no_shared_address(tmp_path: Path, sessions: list[dict[str, Any]]) -> None:
    lake, case = lake_of(tmp_path, sessions)
    assert shared(lake, case) is None


def test_users_of_all_sources_in_all_windows_that_alert_are_counted(tmp_path: Path) -> None:
    """The highest window of one source says nothing of the other, which may have no session in it."""
    lake = write_alerts(tmp_path, [(0, 3, PAIR), (2, 4, PAIR)])
    answered = session(2, src_ip=OTHER, dst_ip=host(4), dst_user="ben", repeat_count=4)
    used = [session(src_user="ann"), session(src_user="ann"), session(1, src_user="between"), answered]
    table = lake.table("sessions")
    write_table(tmp_path, "sessions", [table_row(table, row.pop("window_of"), **row) for row in used])
    (case,) = find_cases(lake, SPEC, None)
    assert clients_of(lake, [case])[case.case_id].users == Users("ben", 2)


def test_without_sessions_nobody_is_known(tmp_path: Path) -> None:
    lake = write_alerts(tmp_path, [(0, 3, PAIR)])
    (case,) = find_cases(lake, SPEC, None)
    assert clients_of(lake, [case]) == {case.case_id: Clients(Users(), None)}
    assert clients_of(lake, []) == {}


def test_a_hostile_name_stays_on_its_line() -> None:
    assert "\n" not in Shared("user", {"a\nb": 1, "c" * 9000: 1}, {}).words
