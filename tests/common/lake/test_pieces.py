from pathlib import Path

from common.lake.lake import Lake
from common.lake.pieces import pieces, rows_by, spans
from common.windows import Windows
from tests.factories import SPEC, pair_counts_row
from tests.lakes import write_table


def test_pieces_are_bounded_unless_one_alone_has_more() -> None:
    assert list(pieces({"a": 4, "b": 4, "c": 4, "d": 50, "e": 1}, 10)) == [["a", "b"], ["c"], ["d"], ["e"]]
    assert list(pieces({}, 10)) == []


def test_consecutive_windows_are_put_together() -> None:
    first, second, third = Windows.parse("2026-03-10T13:08Z/2026-03-10T13:53Z")
    assert list(spans({first: 5, second: 5, third: 1}, 10)) == [Windows(first.start, second.end), third]


def test_rows_are_counted_by_the_log(tmp_path: Path) -> None:
    write_table(
        tmp_path, "pair_counts", [pair_counts_row(), pair_counts_row(dst_port=80), pair_counts_row("2026-03-09T13:23Z")]
    )
    lake = Lake(str(tmp_path), SPEC)
    assert rows_by(lake, "pair_counts", "date") == {"2026-03-09": 3}
    assert rows_by(lake, "pair_days", "date") == {}
