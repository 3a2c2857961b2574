"""What the demo decides: which windows come live, what their batches are, and what it need not do again."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from common.errors import InputError
from common.windows import Windows
from tools.demo.mini_batches import mini_batches
from tools.demo.plan import plan
from tools.demo.steps import Steps

DAY = Windows.parse("2026-03-03T00:08Z/2026-03-04T00:08Z")
WEEK = Windows.parse("2026-03-03T00:08Z/2026-03-11T00:08Z")


def test_the_last_two_hours_of_the_scored_day_come_live() -> None:
    found = plan(WEEK, None, None)
    assert str(found.train) == "2026-03-03T00:08Z/2026-03-10T00:08Z"
    assert str(found.score) == "2026-03-10T00:08Z/2026-03-11T00:08Z"
    assert str(found.live) == "2026-03-10T22:08Z/2026-03-11T00:08Z"
    assert str(found.history) == "2026-03-03T00:08Z/2026-03-10T22:08Z"
    assert str(found.scored_before) == "2026-03-10T00:08Z/2026-03-10T22:08Z"


def test_when_little_is_scored_all_of_it_comes_live() -> None:
    found = plan(Windows.parse("2026-03-03T00:08Z/2026-03-03T01:08Z"), None, None)
    assert (len(found.score), found.live, found.scored_before) == (1, found.score, None)
    assert found.history == found.train


def test_of_less_than_an_hour_nothing_comes_live() -> None:
    whole = Windows.parse("2026-03-03T00:08Z/2026-03-03T00:38Z")
    found = plan(whole, None, None)
    assert found.live is None and found.history == whole and found.scored_before == whole


def test_more_days_than_there_are_is_an_error() -> None:
    with pytest.raises(InputError, match=r"cover 1.00 days, but training and scoring need 3.00"):
        plan(DAY, 2, 1)


def test_batches_of_a_scenario_are_its_folders(tmp_path: Path) -> None:
    folder = "fw_paloalto/acme/hq/2026/03/03/abc"
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "part-00000.csv").write_bytes(b"lines")
    listed = [{"window_start": "2026-03-03T00:23:00Z", "path": folder}]
    (tmp_path / "scenario.json").write_text(json.dumps({"batches": listed}))
    (batch,) = mini_batches([str(tmp_path)], DAY, None)
    assert str(batch.window) == "2026-03-03T00:23Z" and batch.folder == folder
    assert batch.files == {"part-00000.csv": b"lines"} and batch.organisation == "acme/hq"


def test_batches_of_other_logs_are_cut_out_at_the_ends_of_sessions(tmp_path: Path) -> None:
    fixed = {"id.orig_h": "10.0.0.1", "id.orig_p": 1, "id.resp_h": "10.0.0.2", "id.resp_p": 80, "proto": "tcp"}
    fixed |= {"duration": 1.0, "orig_bytes": 1, "resp_bytes": 1, "conn_state": "SF"}
    seconds = [1772496479.0, 1772497378.0, 1772497379.0]  # the sessions end at 00:08:00, 00:22:59 and 00:23:00
    log = tmp_path / "conn.log"
    log.write_text("".join(json.dumps({"ts": ts, "uid": f"C{ts}", **fixed}) + "\n" for ts in seconds))
    first, second = mini_batches([str(log)], DAY, None)
    rows = [pq.read_table(io.BytesIO(batch.files["part-00000.parquet"])).num_rows for batch in (first, second)]
    assert (str(first.window), str(second.window), rows) == ("2026-03-03T00:08Z", "2026-03-03T00:23Z", [2, 1])
    assert first.folder.startswith("demo/office/2026/03/03/") and first.folder != second.folder


def test_what_was_done_is_not_done_again_until_a_step_before_changes(tmp_path: Path) -> None:
    done: list[str] = []

    def work(name: str) -> dict[str, Any]:
        done.append(name)
        return {"name": name}

    def chain(fingerprint: str, given: str) -> None:
        steps = Steps(tmp_path / "steps.json", 3, fingerprint)
        steps.call("one", "one", lambda: work("one"), "same")
        steps.call("two", "two", lambda: work("two"), given)
        steps.each("parts", "part", [("a", "a"), ("b", "b")], work)

    chain("logs", "x")
    assert done == ["one", "two", "a", "b"]
    chain("logs", "x")
    assert done == ["one", "two", "a", "b"]
    chain("logs", "y")
    assert done[4:] == ["two", "a", "b"]
    chain("other logs", "y")
    assert done[7:] == ["one", "two", "a", "b"]
