"""Files that killed writers leave: removed once they cannot be committed any more, and never before."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyarrow import fs

from common.lake.engine_files import PREFIX
from common.lake.lake import Lake
from common.lake.orphans import clear_up
from common.storage import remote_places
from common.storage.filesystems import subtree
from common.storage.scratch import writing
from common.windows import Windows
from localaws.cli.process import LocalAws
from tests.factories import SPEC, pair_counts_row
from tests.lakes import write_table
from tests.localaws.running import unique

WINDOW = Windows.parse("2026-03-10T13:08Z")
PARTITION = f"date=2026-03-10/window={WINDOW.key}"
DIE = "import os, sys; from pathlib import Path; from common.storage.places import make_place; "
DIE += "make_place(Path(sys.argv[1]), sys.argv[2]); os._exit(1)"


def die_while_writing(lake: Path, table: str) -> None:
    """A process that names the table that it writes, and is gone without any clean-up."""
    subprocess.run([sys.executable, "-c", DIE, str(lake / "_scratch"), table], check=False)


def leave_files(lake: Path) -> list[Path]:
    """What a writer leaves that was killed before its commit."""
    names = [f"{PARTITION}/left.zst.parquet", f"{PARTITION}/half.parquet#1", "_delta_log/_commit_1f3c.json.tmp"]
    names += [f"{PREFIX}1f3c/{name}" for name in ("left.parquet", ".left.parquet.crc", f"_delta_log/{0:020}.json")]
    for name in names:
        (lake / "pair_counts" / name).parent.mkdir(parents=True, exist_ok=True)
        (lake / "pair_counts" / name).write_bytes(b"PAR1")
    return [lake / "pair_counts" / name for name in names]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake with a table of two commits, of which the second removed the file of the first."""
    for count in (1, 2):
        write_table(tmp_path, "pair_counts", [pair_counts_row(str(WINDOW), sessions_cnt=count)])
    return tmp_path


def files(lake: Path) -> set[Path]:
    return {path for path in lake.rglob("*") if path.is_file()}


def test_what_a_dead_writer_left_is_removed_and_nothing_else(lake: Path) -> None:
    die_while_writing(lake, "pair_counts")
    write_table(lake, "pair_counts", [pair_counts_row(str(WINDOW), sessions_cnt=3)])  # committed since, then replaced
    write_table(lake, "pair_counts", [pair_counts_row(str(WINDOW), sessions_cnt=4)])
    before = files(lake)
    leave_files(lake)
    clear_up(Lake(str(lake), SPEC))
    assert files(lake) == {path for path in before if "_scratch" not in path.parts}
    assert list((lake / "_scratch").iterdir()) == []
    for version, count in ((3, 4), (2, 3), (0, 1)):  # earlier versions can still be read
        rows = DeltaTable(lake / "pair_counts", version=version).to_pyarrow_table(columns=["sessions_cnt"])
        assert rows.to_pylist() == [{"sessions_cnt": count}]


def test_files_stay_while_another_run_writes_the_table(lake: Path) -> None:
    die_while_writing(lake, "pair_counts")
    left = leave_files(lake)
    with writing(str(lake), "pair_counts"):
        clear_up(Lake(str(lake), SPEC))
        assert all(path.exists() for path in left)
    with writing(str(lake), "fg_a"):
        clear_up(Lake(str(lake), SPEC))
    assert not any(path.exists() for path in left)


def test_files_of_other_tables_and_older_ones_stay(lake: Path) -> None:
    left = leave_files(lake)
    for path in left:
        os.utime(path, (time.time() - 60,) * 2)
    die_while_writing(lake, "pair_counts")
    clear_up(Lake(str(lake), SPEC))
    assert all(path.exists() for path in left)
    for path in left:
        os.utime(path)
    die_while_writing(lake, "fg_a")
    clear_up(Lake(str(lake), SPEC))
    assert all(path.exists() for path in left)


def test_files_of_a_table_whose_log_is_damaged_stay(lake: Path) -> None:
    die_while_writing(lake, "pair_counts")
    left = leave_files(lake)
    (lake / "pair_counts" / "_delta_log" / f"{1:020d}.json").write_text("{ not json\n")
    clear_up(Lake(str(lake), SPEC))
    assert all(path.exists() for path in left)
    assert len(list((lake / "_scratch").iterdir())) == 1


def test_the_lake_in_s3_too(aws_environment: LocalAws, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = unique("orphans")
    aws_environment.client("s3").create_bucket(Bucket=bucket)
    uri = f"s3://{bucket}/lake"
    target = subtree(uri)
    with target.open_output_stream(f"{remote_places.PREFIX}dead/{remote_places.MADE}") as stream:
        stream.write(b"pair_counts\n")
    for path in files(lake):
        with target.open_output_stream(str(path.relative_to(lake))) as stream:
            stream.write(path.read_bytes())
    pq.write_table(pa.table({"x": [1]}), f"pair_counts/{PARTITION}/left.parquet", filesystem=target)

    def left() -> set[str]:
        return {info.path for info in target.get_file_info(fs.FileSelector("", recursive=True))
                if info.is_file} - {str(path.relative_to(lake)) for path in files(lake)}  # fmt: skip

    clear_up(Lake(uri, SPEC))
    assert len(left()) == 2  # it may still be alive
    monkeypatch.setattr(remote_places, "DEAD_AFTER_SECONDS", 0.5)
    time.sleep(2.1)  # S3 counts in seconds
    clear_up(Lake(uri, SPEC))
    assert left() == set()
    assert Lake(uri, SPEC).arrow("pair_counts", ["sessions_cnt"]).to_pylist() == [{"sessions_cnt": 2}]
