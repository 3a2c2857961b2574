from datetime import timedelta
from pathlib import Path

from common.lake.lake import Lake
from common.windows import WINDOW, Windows
from tests.factories import SPEC, table_row
from tests.lakes import write_table
from tools.page.segments import segments

LAST = Windows.parse("2026-03-10T13:08Z")
BEFORE = Windows(LAST.start - timedelta(days=1), LAST.end - timedelta(days=1))
OURS, OTHERS = "10.1.1.0/24", "10.1.2.0/24"


def test_the_quartiles_of_a_day_are_those_of_the_sums_of_hosts(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), SPEC)
    features, days, slices = (lake.table(name) for name in ("fg_a", "pair_days", "delta_pair"))
    rows = [table_row(features, LAST, host_ip=f"10.1.1.{place}", segment_id=OURS) for place in range(1, 6)]
    rows.append(table_row(features, LAST, host_ip="10.1.2.1", segment_id=OTHERS))
    write_table(tmp_path, "fg_a", rows)
    of_day = {"source_digest": "d", "first_slice_ts": BEFORE.start, "last_slice_ts": BEFORE.start + WINDOW}
    met = [("10.1.1.1", "203.0.113.1", 3), ("10.1.1.1", "203.0.113.2", 5), ("10.1.1.2", "203.0.113.1", 4),
           ("10.1.1.3", "203.0.113.1", 100)]  # fmt: skip
    rows = [
        table_row(days, BEFORE, host_ip=host, role="outbound", peer_ip=peer, sessions_cnt=count, **of_day)
        for host, peer, count in met
    ]
    other = {"role": "inbound", "peer_ip": "203.0.113.9", "sessions_cnt": 9999}
    rows.append(table_row(days, BEFORE, host_ip="10.1.1.4", **of_day, **other))
    rows.append(table_row(days, BEFORE, host_ip="10.1.2.1", **of_day, **other | {"role": "outbound"}))
    write_table(tmp_path, "pair_days", rows)
    today = {"host_ip": "10.1.1.5", "role": "outbound", "protocol": "tcp", "peer_ip": "203.0.113.1"}
    write_table(
        tmp_path,
        "delta_pair",
        [
            table_row(slices, LAST, peer_port=port, sessions_cnt=2, first_ts=LAST.start, last_ts=LAST.start, **today)
            for port in (22, 80)
        ],
    )
    assert segments(lake, [OURS, "10.1.9.0/24"], LAST) == {
        OURS: {
            "hosts": ["10.1.1.1", "10.1.1.2", "10.1.1.3", "10.1.1.4", "10.1.1.5"],
            "days": [
                {
                    "date": "2026-03-09",
                    "hosts": 3,
                    "sessions": {"quantiles": [6.0, 8.0, 54.0, 100.0], "most": "10.1.1.3"},
                    "peers": {"quantiles": [1.0, 1.0, 1.5, 2.0], "most": "10.1.1.1"},
                },
                {
                    "date": "2026-03-10",
                    "hosts": 1,
                    "sessions": {"quantiles": [4.0] * 4, "most": "10.1.1.5"},
                    "peers": {"quantiles": [1.0] * 4, "most": "10.1.1.5"},
                },
            ],
        },
        "10.1.9.0/24": {"hosts": [], "days": []},
    }


def test_without_segments_nothing_is_read(tmp_path: Path) -> None:
    assert segments(Lake(str(tmp_path), SPEC), [], LAST) == {}
