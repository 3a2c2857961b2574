"""Windows and days put together to pieces of bounded size, by the rows that a table has of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from common.windows import Windows

if TYPE_CHECKING:
    from common.lake.reader import LakeReader

Item = TypeVar("Item")


def rows_by(lake: LakeReader, name: str, partition: str) -> dict[str, int]:
    """The rows of a table by the value of a partition column, as its log has them; none if it is missing."""
    if not lake.exists(name):
        return {}
    key = f"partition.{partition}"
    found = lake.files(name).group_by(key).aggregate([("num_records", "sum")])
    return dict(zip(found[key].to_pylist(), found["num_records_sum"].to_pylist(), strict=True))


def spans(rows: Mapping[Windows, int], most: int) -> Iterator[Windows]:
    """Consecutive windows, with their rows, put together to pieces."""
    for piece in pieces(rows, most):
        yield Windows(piece[0].start, piece[-1].end)


def pieces(rows: Mapping[Item, int], most: int) -> Iterator[list[Item]]:
    """The items in turn, with at most so many rows in a piece, unless one alone has more."""
    held, total = list[Item](), 0
    for item, number in rows.items():
        if held and total + number > most:
            yield held
            held, total = [], 0
        held.append(item)
        total += number
    if held:
        yield held
