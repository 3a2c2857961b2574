"""The sums of the specification, as the engine of the tests understands them."""

from __future__ import annotations

from importlib import resources

import pytest
from pyspark.sql import SparkSession

from common.errors import SpecError
from common.features.spec import FeatureSpec, parse_spec
from jobs.delta.scanning import read_by_slices
from jobs.delta.sums import check_sums
from tests.factories import SPEC

pytestmark = pytest.mark.parity

ROW = "  - {name: traffic_cnt,"


def with_sum(sql: str) -> FeatureSpec:
    """The specification with one more count."""
    text = resources.files("common.features").joinpath("v1.yaml").read_text(encoding="utf-8")
    row = f'  - {{name: more_cnt, kind: count, sum: "{sql}", unit: sessions, meaning: more sessions, words: more}}\n'
    return parse_spec(text.replace(ROW, row + ROW), "v1.yaml")


def test_the_engine_understands_every_sum(session: SparkSession) -> None:
    check_sums(session, SPEC)


@pytest.mark.parametrize("sql", ["dst_prt = 53", "nonsense(dst_port)", "dst_port = = 53"])
def test_a_sum_that_the_engine_does_not_understand_names_its_metric(session: SparkSession, sql: str) -> None:
    with pytest.raises(
        SpecError, match=f"metric more_cnt: the sum '{sql.replace('(', '.').replace(')', '.')}' is wrong"
    ):
        check_sums(session, with_sum(sql))


def test_a_column_that_a_sum_names_is_read() -> None:
    assert "dst_zone" not in read_by_slices(SPEC)
    assert "dst_zone" in read_by_slices(with_sum("dst_zone = 'dmz'"))
