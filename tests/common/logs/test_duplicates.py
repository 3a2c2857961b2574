from __future__ import annotations

import pyarrow as pa
import pytest

from common.logs import mark_duplicates
from common.logs.batches import ParsedBatch
from common.logs.blocks import Block
from common.logs.formats.panos.vectorised import parse_block
from common.logs.options import ReadOptions
from tests.common.logs.panos_logs import threat, traffic


def statuses(*lines: str, per_batch: int = 100) -> list[str]:
    """The status of each line's record after marking."""
    parsed = [parse_block(Block("\n".join(lines[at : at + per_batch]).encode(), at + 1), "f", ReadOptions())
              for at in range(0, len(lines), per_batch)]  # fmt: skip
    marked = mark_duplicates(batch.sessions for batch in parsed)
    return [status for batch in marked for status in batch.column("status").to_pylist()]


@pytest.mark.parametrize("per_batch", [100, 1])
def test_the_first_of_equal_records_stays(per_batch: int) -> None:
    assert statuses(traffic(), threat(), traffic(), traffic(), threat(), per_batch=per_batch) == [
        "kept", "kept", "duplicate", "duplicate", "duplicate"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{2: "99"}, {22: "5"}, {35: "2024/03/11 16:22:51"}, {4: "drop"}, {39: "7"}, {39: ""}, {2: ""}],
)
def test_records_that_differ_in_the_key_are_two(change: dict[int, str]) -> None:
    assert statuses(traffic(), traffic(changes=change)) == ["kept", "kept"]


def test_other_columns_do_not_tell_records_apart() -> None:
    assert statuses(traffic(), traffic(changes={32: "1", 7: "10.1.1.1"})) == ["kept", "duplicate"]


def test_records_that_cannot_be_told_apart_are_never_duplicates() -> None:
    for nameless in ({22: "0", 39: ""}, {22: "", 39: ""}):
        line = traffic(changes=nameless)
        assert statuses(line, line) == ["kept", "kept"]
    for named in ({22: "0"}, {22: ""}, {39: ""}):
        line = traffic(changes=named)
        assert statuses(line, line) == ["kept", "duplicate"]


@pytest.mark.parametrize("per_batch", [100, 1])
def test_records_of_one_session_in_two_windows_both_count(per_batch: int) -> None:
    """They end at 16:22:55 and 16:22:59 in one window, at 16:23:00 in the next."""
    lines = [traffic(changes={36: seconds}) for seconds in ("5", "9", "10")]
    counted = {100: ["duplicate", "kept", "kept"], 1: ["kept", "duplicate", "kept"]}
    assert statuses(*lines, per_batch=per_batch) == counted[per_batch]


def test_threats_of_one_session_are_told_apart_by_their_number_only() -> None:
    line = threat(changes={36: ""})
    assert statuses(line, line, traffic(), traffic(changes={39: ""})) == ["kept"] * 4
    for session in ("2042976", "0", ""):
        line = threat(changes={22: session})
        assert statuses(line, line, threat(changes={22: session, 36: "5"})) == ["kept", "duplicate", "kept"]


def test_start_logs_are_uncounted_and_never_duplicates() -> None:
    start = traffic(changes={4: "start"})
    assert statuses(start, start, traffic(), traffic()) == ["uncounted", "uncounted", "kept", "duplicate"]


def test_a_batch_has_to_add_up() -> None:
    batch = parse_block(Block(traffic().encode(), 1), "f", ReadOptions())
    assert isinstance(batch.sessions, pa.RecordBatch)
    with pytest.raises(AssertionError, match="2 records read but 1"):
        ParsedBatch(batch.sessions, batch.rejects, 2)
