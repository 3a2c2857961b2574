"""Columns of the lake say what they mean, in which unit, and when they are null."""

from __future__ import annotations

import pytest

from common.contracts import tables
from common.contracts.types import Column, Table
from tests.factories import SPEC

TABLES = tables(SPEC)


@pytest.mark.parametrize(
    ("column", "comment"),
    [
        (Column("a", "long", "bytes sent", "bytes"), "bytes sent [bytes]; never null"),
        (Column("a", "string", "name", null_when="it has none"), "name; null when it has none"),
    ],
)
def test_a_comment_holds_meaning_unit_and_null_rule(column: Column, comment: str) -> None:
    assert column.comment == comment
    assert column.nullable == ("never" not in comment)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_column_has_a_comment_that_names_nothing_twice(table: Table) -> None:
    for column in table.columns:
        assert len(column.meaning) >= 5, column
        assert column.comment.count("null") - column.null_when.count("null") == 1, column.comment
        if column.type == "timestamp":
            assert column.unit == "UTC", column


def test_a_table_is_created_with_the_comment_of_each_column() -> None:
    stored = {field.name: field.metadata["comment"] for field in TABLES["fg_c"].delta.fields}
    assert stored == {column.name: column.comment for column in TABLES["fg_c"].columns}
    assert stored["peer_ip_nunique_w_15m_z_mad"] == (
        "distance from the median in robust scales: distinct peers; as initiator, last 15 min [scales]; "
        "null when the value or the median of the baseline is null"
    )
