from pathlib import Path

from common.lake.lake import Lake
from common.lake.window_rows import rows_by_window
from common.windows import Windows
from tests.factories import SPEC, pair_counts_row
from tests.lakes import write_table

FIRST, SECOND, THIRD = Windows.parse("2026-03-09T13:08Z/2026-03-09T13:53Z")


def test_rows_are_counted_by_the_log_and_in_files_of_several_windows(tmp_path: Path) -> None:
    assert rows_by_window(Lake(str(tmp_path), SPEC), "pair_counts") == {}
    of_two = [pair_counts_row(str(FIRST)), pair_counts_row(str(FIRST), dst_port=80), pair_counts_row(str(SECOND))]
    write_table(tmp_path, "pair_counts", of_two)
    write_table(tmp_path, "pair_counts", [pair_counts_row(str(THIRD))], mode="append")
    lake = Lake(str(tmp_path), SPEC)
    assert rows_by_window(lake, "pair_counts") == {FIRST.key: 2, SECOND.key: 1, THIRD.key: 1}
    assert rows_by_window(lake, "pair_counts", THIRD) == {THIRD.key: 1}
    for path in (tmp_path / "pair_counts").rglob("date=*/*.parquet"):
        path.unlink()
    assert rows_by_window(lake, "pair_counts", THIRD) == {THIRD.key: 1}  # by the log alone
