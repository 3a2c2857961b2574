from datetime import UTC, datetime

import pyarrow as pa
import pytest

from tests.oracle.compare import assert_tables_equal
from tests.types import Row

ROW = {"host": "10.0.0.1", "at": datetime(2026, 3, 10, tzinfo=UTC), "n": 3, "x": 1.5, "flag": True, "empty": None}
SCHEMA = pa.schema(
    [
        ("host", pa.string()),
        ("at", pa.timestamp("us", "UTC")),
        ("n", pa.int64()),
        ("x", pa.float64()),
        ("flag", pa.bool_()),
        ("empty", pa.float64()),
    ]
)
KEY = ("host", "at")


def table(*overrides: Row) -> pa.Table:
    return pa.Table.from_pylist([{**ROW, **row} for row in overrides], SCHEMA)


TWO = table({}, {"host": "10.0.0.2"})


def test_equal_tables_pass_in_any_order_of_rows_and_columns() -> None:
    assert_tables_equal(table({"host": "10.0.0.2"}, {}).select(SCHEMA.names[::-1]), TWO, KEY)
    assert_tables_equal(table(), table(), KEY)


def test_floats_may_differ_by_the_tolerance_and_no_more() -> None:
    assert_tables_equal(table({"x": 1.5 + 1e-10}), table({}), KEY)
    assert_tables_equal(table({"x": 1e12 + 100}), table({"x": 1e12}), KEY)
    with pytest.raises(AssertionError, match=r"x: actual 1\.50000001, expected 1\.5"):
        assert_tables_equal(table({"x": 1.50000001}), table({}), KEY)
    assert_tables_equal(table({"x": 1.50000001}), table({}), KEY, rel=1e-6)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"n": 4}, "n: actual 4, expected 3"),
        ({"n": None}, "n: actual None, expected 3"),
        ({"n": 3 + 10**12}, "n: actual 1000000000003, expected 3"),
        ({"x": float("nan")}, "x: actual nan, expected 1.5"),
        ({"x": float("inf")}, "x: actual inf, expected 1.5"),
        ({"flag": False}, "flag: actual False, expected True"),
        ({"empty": 0.0}, "empty: actual 0.0, expected None"),
    ],
)
def test_each_differing_value_is_named_with_its_row(override: Row, message: str) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_tables_equal(table(override, {"host": "10.0.0.2"}), TWO, KEY)
    assert "1 values differ" in str(caught.value)
    assert "'host': '10.0.0.1'" in str(caught.value)
    assert message in str(caught.value)


def test_whole_numbers_must_be_the_same_however_large() -> None:
    with pytest.raises(AssertionError, match="1 values differ"):
        assert_tables_equal(table({"n": 2**60 + 1}), table({"n": 2**60}), KEY)


def test_nan_equals_nothing() -> None:
    with pytest.raises(AssertionError, match="x: actual nan, expected nan"):
        assert_tables_equal(table({"x": float("nan")}), table({"x": float("nan")}), KEY)


def test_times_differ_by_a_microsecond() -> None:
    later = {"at": datetime(2026, 3, 10, 0, 0, 0, 1, tzinfo=UTC)}
    with pytest.raises(AssertionError, match="1 values differ"):
        assert_tables_equal(table(later), table({}), ["host"])
    naive = TWO.set_column(1, "at", TWO["at"].cast(pa.timestamp("us")))
    with pytest.raises(AssertionError, match="2 values differ"):
        assert_tables_equal(naive, TWO, ["host"])


def test_missing_and_extra_rows_are_listed() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_tables_equal(table({}, {"host": "10.0.0.3"}), TWO, KEY)
    missing, extra = str(caught.value).splitlines()
    assert missing.startswith("missing rows: ('10.0.0.2'")
    assert extra.startswith("extra rows: ('10.0.0.3'")
    with pytest.raises(AssertionError, match="missing rows"):
        assert_tables_equal(table(), TWO, KEY)


def test_missing_and_extra_columns_are_listed() -> None:
    with pytest.raises(AssertionError, match="missing columns: 'n'"):
        assert_tables_equal(TWO.drop_columns(["n"]), TWO, KEY)
    with pytest.raises(AssertionError, match="extra columns: 'n'"):
        assert_tables_equal(TWO, TWO.drop_columns(["n"]), KEY)
    with pytest.raises(AssertionError, match="key needs"):
        assert_tables_equal(TWO.drop_columns(["at"]), TWO, KEY)


def test_a_key_that_occurs_twice_is_a_fault_on_either_side() -> None:
    for actual, expected in ((table({}, {}), table({})), (table({}), table({}, {}))):
        with pytest.raises(AssertionError, match="more than once"):
            assert_tables_equal(actual, expected, KEY)


def test_only_the_first_differences_are_shown() -> None:
    many = [{"host": f"10.0.1.{number}"} for number in range(30)]
    with pytest.raises(AssertionError) as caught:
        assert_tables_equal(table(*({**row, "n": 4} for row in many)), table(*many), KEY)
    assert "30 values differ" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 11
