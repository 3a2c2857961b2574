"""The format of a lake is written once, and every other one is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.errors import LakeFormatError
from common.lake.lake import Lake
from common.lake.lake_format import FILE, LAKE_FORMAT, mark, read_format
from common.windows import Windows
from localaws.cli.process import LocalAws
from tests.factories import SPEC, fg_a_row
from tests.lakes import note_whole, write_table
from tests.localaws.running import unique

WINDOW = Windows.parse("2026-03-10T13:08Z")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def test_the_first_table_of_a_lake_marks_it(folder: Path) -> None:
    assert read_format(Lake.opened(str(folder), SPEC)) is None
    assert not folder.exists()  # a reader leaves no trace
    note_whole(folder, WINDOW)
    assert json.loads((folder / FILE).read_text()) == {"lake_format": LAKE_FORMAT}
    assert [path.name for path in folder.iterdir() if path.is_file()] == [FILE]
    assert read_format(Lake.opened(str(folder), SPEC)) == LAKE_FORMAT


def test_tables_without_a_mark_are_of_the_format_before(folder: Path) -> None:
    write_table(folder, "fg_a", [fg_a_row(SPEC)])
    (folder / FILE).unlink()
    with pytest.raises(LakeFormatError, match=f"format 1, .* Run ndr-lake migrate --lake {folder}"):
        Lake.opened(str(folder), SPEC)
    with pytest.raises(LakeFormatError, match="format 1"):
        note_whole(folder, WINDOW)
    assert not (folder / FILE).exists()


@pytest.mark.parametrize("content", ["", "{}", '{"lake_format": "2"}', "[2]"])
def test_a_damaged_mark_is_an_error(folder: Path, content: str) -> None:
    folder.mkdir()
    (folder / FILE).write_text(content)
    with pytest.raises(LakeFormatError, match="does not say which format"):
        Lake.opened(str(folder), SPEC)


def test_a_newer_lake_is_refused_and_its_mark_stays(folder: Path) -> None:
    folder.mkdir()
    (folder / FILE).write_text('{"lake_format": 99}')
    assert mark(Lake(str(folder), SPEC)) == 99  # as if another release had made the lake in between
    with pytest.raises(LakeFormatError, match=r"format 99, but this release knows format 2\. Upgrade the package"):
        Lake.opened(str(folder), SPEC)


def test_a_lake_in_s3_is_marked_once(aws_environment: LocalAws) -> None:
    bucket = unique("format")
    s3 = aws_environment.client("s3")
    s3.create_bucket(Bucket=bucket)
    lake = Lake(f"s3://{bucket}/lake", SPEC)
    assert read_format(lake) is None
    with lake.journal.run("delta", WINDOW):
        pass
    assert read_format(lake) == LAKE_FORMAT
    s3.put_object(Bucket=bucket, Key=f"lake/{FILE}", Body=b'{"lake_format": 99}')
    assert mark(lake) == 99
    with pytest.raises(LakeFormatError, match="Upgrade"):
        Lake.opened(lake.uri, SPEC)
