from pathlib import Path

import numpy as np
import pytest

from common.contracts import tables
from common.detection import input_matrix
from common.detection.input_matrix import input_digest, read_matrix, read_rows
from common.detection.inputs import model_features
from common.errors import InputError, TableError
from common.lake.lake import Lake
from common.windows import WINDOW as LENGTH
from common.windows import Windows
from tests.common.detection.model_lake import HOSTS, RANGE, host, make_lake, rows, write
from tests.factories import SPEC

FEATURES = model_features(SPEC)
LAST = list(RANGE)[-1]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(make_lake(tmp_path)), SPEC)


def place(name: str) -> int:
    return FEATURES.names.index(name)


def test_rows_come_in_order_of_window_and_host(lake: Lake) -> None:
    found = list(read_rows(lake, RANGE, FEATURES, "7d"))
    keys = [(row["window_end_ts"], row["host_ip"]) for part in found for row in part.keys.to_pylist()]
    assert keys == sorted(keys)
    assert len(keys) == len(RANGE) * HOSTS


def test_values_are_those_of_the_tables(lake: Lake) -> None:
    part = next(iter(read_rows(lake, LAST, FEATURES, "7d")))
    row = part.keys["host_ip"].to_pylist().index(host(3))
    assert part.values.dtype == np.float32
    assert part.values[row, place("peer_ip_nunique_w_15m")] == 412
    assert part.values[row, place("peer_ip_nunique_w_15m_z_mad")] == 500
    expected = {row["host_ip"]: row for row in rows("fg_c", LAST, 2 * 7 + 1).to_pylist()}[host(4)]
    other = part.keys["host_ip"].to_pylist().index(host(4))
    assert part.values[other, place("deny_ratio_w_1h_z_mad")] == np.float32(expected["deny_ratio_w_1h_z_mad"])


@pytest.mark.slow
def test_null_is_nan(lake: Lake, tmp_path: Path) -> None:
    overrides = {"deny_ratio_w_1h_z_mad": {0: None, 1: 2.5}}
    write(tmp_path, tables(SPEC)["fg_c"], rows("fg_c", LAST, 1, overrides=overrides))
    values = next(iter(read_rows(lake, LAST, FEATURES, "7d"))).values[:, place("deny_ratio_w_1h_z_mad")]
    assert np.isnan(values[0]) and values[1] == 2.5


@pytest.mark.slow
def test_only_the_named_horizon_is_read(lake: Lake, tmp_path: Path) -> None:
    overrides = {"baseline_horizon": dict.fromkeys(range(0, HOSTS, 2), "30d")}
    write(tmp_path, tables(SPEC)["fg_c"], rows("fg_c", LAST, 1, overrides=overrides))
    part = next(iter(read_rows(lake, LAST, FEATURES, "30d")))
    assert set(part.keys["host_ip"].to_pylist()) == {host(number) for number in range(0, HOSTS, 2)}
    assert part.unmatched == HOSTS / 2


def test_a_horizon_without_rows_is_an_error(lake: Lake) -> None:
    with pytest.raises(InputError, match=r"no rows of horizon 30d .* Run ndr-fg-c"):
        list(read_rows(lake, LAST, FEATURES, "30d"))


@pytest.mark.slow
def test_windows_without_activity_give_nothing(lake: Lake) -> None:
    quiet = Windows(RANGE.end, RANGE.end + 3 * (LAST.end - LAST.start))
    assert list(read_rows(lake, quiet, FEATURES, "7d")) == []
    assert len(read_matrix(lake, quiet, FEATURES, "7d").values) == 0


def test_missing_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="fg_a does not exist"):
        list(read_rows(Lake(str(tmp_path), SPEC), LAST, FEATURES, "7d"))


@pytest.mark.slow
def test_a_host_twice_in_a_window_is_an_error(lake: Lake, tmp_path: Path) -> None:
    twice = rows("fg_c", LAST, 1, overrides={"host_ip": {1: host(0)}})
    write(tmp_path, tables(SPEC)["fg_c"], twice)
    with pytest.raises(InputError, match=r"fg_c .* 1 duplicate rows"):
        list(read_rows(lake, LAST, FEATURES, "7d"))


@pytest.mark.slow
def test_matrix_does_not_depend_on_how_many_rows_are_read_at_once(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_matrix(lake, RANGE, FEATURES, "7d").values
    monkeypatch.setattr(input_matrix, "ROWS_AT_ONCE", 1)
    np.testing.assert_array_equal(read_matrix(lake, RANGE, FEATURES, "7d").values, whole)
    assert whole.shape == (len(RANGE) * HOSTS, len(FEATURES.names))


def test_digest_changes_when_rows_of_a_date_are_rewritten(lake: Lake, tmp_path: Path) -> None:
    other = Windows(RANGE.start - LENGTH, RANGE.start)  # starts on the day before
    before, elsewhere = input_digest(lake, LAST), input_digest(lake, other)
    assert before == input_digest(lake, LAST)
    assert before != input_digest(lake, RANGE)
    write(tmp_path, tables(SPEC)["fg_a"], rows("fg_a", LAST, 99))
    assert input_digest(lake, LAST) != before
    assert input_digest(lake, other) == elsewhere
