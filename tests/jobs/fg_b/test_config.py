from datetime import UTC, datetime

import pytest

from common.errors import ParameterError
from common.features.spec import Horizon
from common.runtime.lake_project import LakeProject
from jobs.fg_b.config import BaselineConfig, history
from jobs.fg_b.passes import plan_passes
from jobs.fg_b.subjects import all_slices
from tests.factories import SPEC

OPTIONS = {
    "lake_uri": "lake",
    "engine": "sail",
    "mini_batch_id": None,
    "lake_project": LakeProject(),
}


def test_history_holds_the_windows_that_lie_inside_entirely() -> None:
    # [22 Feb 00:00, 27 Feb 00:00): the first grid point in it is 00:08, the last 23:53
    windows = history("5d", Horizon(days=5, gap_days=2), datetime(2026, 3, 1, tzinfo=UTC))
    assert str(windows) == "2026-02-22T00:08Z/2026-02-26T23:53Z"


def test_history_on_the_grid_keeps_its_bounds() -> None:
    windows = history("1h", Horizon(days=1 / 24, gap_days=0), datetime(2026, 3, 1, 10, 8, tzinfo=UTC))
    assert str(windows) == "2026-03-01T09:08Z/2026-03-01T10:08Z"


def test_a_horizon_shorter_than_a_window_is_an_error() -> None:
    with pytest.raises(ParameterError, match=r"horizon tiny of 0.01 days"):
        history("tiny", Horizon(days=0.01, gap_days=0), datetime(2026, 3, 1, tzinfo=UTC))


def test_reference_time_is_the_start_of_the_month_and_windows_span_all_horizons() -> None:
    config = BaselineConfig.from_options("2026-03", None, **OPTIONS)
    assert config.reference == datetime(2026, 3, 1, tzinfo=UTC)
    # 30d: 23 Jan (1 March less 37 days) on; 7d: up to 27 Feb (less 2 days)
    assert str(config.windows) == "2026-01-23T00:08Z/2026-02-26T23:53Z"


def test_passes_cut_columns_first_and_segments_when_a_column_group_is_too_large() -> None:
    slice_bytes = 1000 * 48 * 8
    assert len(plan_passes(SPEC, 1000, 10 * slice_bytes)) == 1
    by_slice = plan_passes(SPEC, 1000, slice_bytes)
    assert [one.slices for one in by_slice] == [[one] for one in all_slices(SPEC)]
    cut = plan_passes(SPEC, 1000, slice_bytes // 2)
    assert len(cut) == 20
    assert {(one.bucket, one.buckets) for one in cut} == {(0, 2), (1, 2)}
