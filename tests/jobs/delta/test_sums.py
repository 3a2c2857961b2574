"""The sums of the specification, as DuckDB understands them."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from common.errors import SpecError
from common.features.spec import FeatureSpec, parse_spec
from common.lake.lake import Lake
from common.runtime.context import StageRun
from common.runtime.run_report import RunReport
from jobs.delta import sums
from jobs.delta.config import DeltaConfig
from jobs.delta.job import run
from jobs.delta.scanning import read_by_slices
from jobs.delta.sums import check_sums, columns_named, connection, evaluated, flags
from tests.conftest import Stages, write_sessions
from tests.factories import SPEC, WINDOW, session, sessions, threat

ROW = "  - {name: traffic_cnt,"


def with_sum(sql: str, kind: str = "count") -> FeatureSpec:
    """The specification with one more sum."""
    text = resources.files("common.features").joinpath("v1.yaml").read_text(encoding="utf-8")
    row = f'  - {{name: more_cnt, kind: {kind}, sum: "{sql}", unit: sessions, meaning: more sessions, words: more}}\n'
    return parse_spec(text.replace(ROW, row + ROW), "v1.yaml")


def values(spec: FeatureSpec, rows: pa.Table, name: str = "more_cnt") -> list[object]:
    """What the sum is of each session."""
    with connection() as asked:
        found = evaluated(asked, rows, spec, {})
    if name not in flags(spec):
        return list(found[name].to_pylist())
    column, bit = flags(spec)[name]
    return [bool(flag >> bit & 1) for flag in found[column].to_pylist()]


def test_every_sum_is_understood() -> None:
    check_sums(SPEC)


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("dst_prt = 53", "dst_prt"),
        ("nonsense(dst_port)", "nonsense"),
        ("dst_port = = 53", "syntax error"),
        ("dst_port", "it is no condition"),
    ],
)
def test_a_sum_that_is_not_understood_names_its_metric(sql: str, problem: str) -> None:
    with pytest.raises(SpecError) as caught:
        check_sums(with_sum(sql))
    message = str(caught.value)
    assert message.startswith(f"common/features/v1.yaml, metric more_cnt: the sum {sql!r} is wrong: ")
    assert problem in message.split("is wrong: ")[1]


def test_a_wrong_sum_is_told_before_anything_is_written(stages: Stages, tmp_path: Path) -> None:
    spec, report = with_sum("dst_prt = 53"), RunReport("test")
    given: dict[str, Any] = {"log_format": None, "log_time_zone": None, "max_rejected_ratio": None}
    path = write_sessions(sessions(session()), tmp_path / "in.parquet")
    config = DeltaConfig(**stages.config(str(WINDOW)), inputs=(path,), **given)
    with pytest.raises(SpecError, match="more_cnt"):
        run(
            config, StageRun(spec, stages.project, Lake(str(stages.folder), spec, stages.engine), stages.engine, report)
        )
    assert not stages.folder.exists()


def test_a_value_that_a_sum_cannot_take_names_its_metric() -> None:
    spec, rows = with_sum("CAST(rule AS INT) = 7"), sessions(session(rule="7"), session(rule="web"))
    assert values(spec, rows.slice(0, 1)) == [True]
    with pytest.raises(SpecError, match=r"metric more_cnt: the sum 'CAST.rule AS INT. = 7' is wrong: .*web"):
        values(spec, rows)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sql", "kind", "expected"),
    [
        ("app = 'ssl'", "count", [True, False, False]),  # null is false
        ("bytes_sent", "bytes", [9_007_199_254_740_993, 0, 5]),  # and 0; more than a double holds
        ("bytes_sent * 0.5", "bytes", [4_503_599_627_370_496, 0, 2]),
        ("duration_s", "seconds", [2, 0, 10_000_000]),  # microseconds: 1.5 and more is 2
        ("-duration_s", "seconds", [-2, 0, -10_000_000]),
    ],
)
def test_what_sessions_add(sql: str, kind: str, expected: list[object]) -> None:
    rows = sessions(
        session(app="ssl", bytes_sent=9_007_199_254_740_993, duration_s=0.0000015),
        threat(app="dns", bytes_sent=None, duration_s=None),
        session(app=None, bytes_sent=5),
    )
    assert values(with_sum(sql, kind), rows) == expected


def test_conditions_of_several_columns_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with more than 62 counts."""
    monkeypatch.setattr(sums, "BITS", 3)
    rows = sessions(session(dst_port=53, protocol="udp"), session(app="incomplete"))
    assert len({column for column, _ in flags(SPEC).values()}) > 2
    names = ("sessions_cnt", "udp_cnt", "tcp_cnt", "deny_cnt", sums.INCOMPLETE)
    assert {name: values(SPEC, rows, name) for name in names} == {
        "sessions_cnt": [True, True],
        "udp_cnt": [True, False],
        "tcp_cnt": [False, True],
        "deny_cnt": [False, False],
        sums.INCOMPLETE: [False, True],
    }


def test_a_column_that_a_sum_names_is_read() -> None:
    assert "dst_zone" not in columns_named(SPEC)
    assert "dst_zone" in columns_named(with_sum("Dst_Zone = 'dmz'"))
    assert "dst_zone" in read_by_slices(with_sum("dst_zone = 'dmz'"))
