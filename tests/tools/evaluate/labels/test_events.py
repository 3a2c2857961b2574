"""Labels that name attacks alone: the red team of LANL, and intervals."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import InputError
from tests.tools.evaluate.labels.test_flows import attacks, read

RED_TEAM = "150885,U620@DOM1,C17693,C1003\n151036,U748@DOM1,C17693,C305\nnoon,U748@DOM1,C17693,C728\n5,U1@DOM1,?,C7\n"
INTERVALS = """host,start,end,attack
10.0.2.107,2017-08-24T05:07:59Z,2017-08-24T05:23:00Z,PowerShell Empire
10.0.4.2,2017-08-24T05:00:00,2017-08-24T05:00:00,Taedonggang
"""


def test_red_team_has_addresses_that_stand_for_computers(tmp_path: Path) -> None:
    """17693 = 69 x 256 + 29; 150885 s after 2015-01-01 are a day, 17 hours, 54 minutes and 45 seconds."""
    found = read("lanl", tmp_path / "redteam.txt", RED_TEAM)
    assert attacks(found) == [("10.0.69.29", "01-02 17:53", "red team")]
    assert sorted(found.spared["host_ip"]) == ["10.0.1.49", "10.0.3.235"]
    assert found.counts.other == {"without a time or a computer": 2}
    assert found.about is None


def test_red_team_of_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of the 1 lines is one of the red team"):
        read("lanl", tmp_path / "redteam.txt", "a,b,c,d\n")


def test_intervals_reach_from_the_window_of_their_start_to_that_of_their_end(tmp_path: Path) -> None:
    """05:07:59 lies in the window from 04:53; 05:00 without an offset is two hours earlier in UTC."""
    found = read("intervals", tmp_path / "botsv2.csv", INTERVALS, "+02:00")
    assert attacks(found) == [
        ("10.0.4.2", "08-24 02:53", "Taedonggang"),
        ("10.0.2.107", "08-24 04:53", "PowerShell Empire"),
        ("10.0.2.107", "08-24 05:08", "PowerShell Empire"),
        ("10.0.2.107", "08-24 05:23", "PowerShell Empire"),
    ]


@pytest.mark.parametrize(
    "row",
    [
        "10.0.2.107,2017-08-24T06:00:00Z,2017-08-24T05:00:00Z,reversed",
        "10.0.2.107,soon,2017-08-24T05:00:00Z,x",
        ",2017-08-24T05:00:00Z,2017-08-24T05:00:00Z,x",
        "10.0.2.107,1017-08-24T05:00:00Z,2017-08-24T05:00:00Z,a thousand years",
    ],
)
def test_intervals_that_are_none_are_refused(tmp_path: Path, row: str) -> None:
    with pytest.raises(InputError, match=r"is no host, start, end and attack.* 1 rows are like this"):
        read("intervals", tmp_path / "intervals.csv", INTERVALS + row + "\n")
