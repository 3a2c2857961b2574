"""The batches that the demo delivers live."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow.parquet as pq

from common.windows import Windows
from tools.demo.mini_batches import mini_batches

DAY = Windows.parse("2026-03-03T00:08Z/2026-03-04T00:08Z")


def test_batches_of_a_scenario_are_its_folders(tmp_path: Path) -> None:
    folder = "fw_paloalto/acme/hq/2026/03/03/abc"
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "part-00000.csv").write_bytes(b"lines")
    listed = [{"window_start": "2026-03-03T00:23:00Z", "path": folder}]
    (tmp_path / "scenario.json").write_text(json.dumps({"start": "", "days": 1, "hosts": [], "batches": listed}))
    (batch,) = mini_batches([str(tmp_path)], DAY, None)
    assert str(batch.window) == "2026-03-03T00:23Z" and batch.folder == folder
    assert batch.files == {"part-00000.csv": b"lines"} and batch.organisation == "acme/hq"


def test_other_logs_are_cut_into_batches_by_the_ends_of_sessions(tmp_path: Path) -> None:
    fixed = {"id.orig_h": "10.0.0.1", "id.orig_p": 1, "id.resp_h": "10.0.0.2", "id.resp_p": 80, "proto": "tcp"}
    fixed |= {"duration": 1.0, "orig_bytes": 1, "resp_bytes": 1, "conn_state": "SF"}
    seconds = [1772496479.0, 1772497378.0, 1772497379.0]  # the sessions end at 00:08:00, 00:22:59 and 00:23:00
    log = tmp_path / "conn.log"
    log.write_text("".join(json.dumps({"ts": ts, "uid": f"C{ts}", **fixed}) + "\n" for ts in seconds))
    first, second = mini_batches([str(log)], DAY, None)
    rows = [pq.read_table(io.BytesIO(batch.files["part-00000.parquet"])).num_rows for batch in (first, second)]
    assert (str(first.window), str(second.window), rows) == ("2026-03-03T00:08Z", "2026-03-03T00:23Z", [2, 1])
    assert first.folder.startswith("demo/office/2026/03/03/") and first.folder != second.folder
