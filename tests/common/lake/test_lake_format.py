"""The record of a lake is written once, and a lake of another format is refused."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from common.errors import LakeFormatError, LakeMismatchError, StorageError
from common.lake.identity import LakeIdentity
from common.lake.lake import Lake
from common.lake.lake_format import (
    FILE,
    LAKE_FORMAT,
    create_record,
    find_record,
    follow_source,
    read_record,
    replace_record,
)
from common.windows import Windows
from localaws.cli.process import LocalAws
from tests.factories import SPEC, fg_a_row
from tests.lakes import note_whole, write_table
from tests.localaws.running import unique

WINDOW = Windows.parse("2026-03-10T13:08Z")
ACME = LakeIdentity("acme", "v1", {"settings": {"time_zone": "Asia/Tokyo"}})
OTHER = replace(ACME, project_name="other")
SOURCE = "dynamodb://project_parameters"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def remote(aws_environment: LocalAws) -> str:
    """A lake in a new bucket."""
    bucket = unique("format")
    aws_environment.client("s3").create_bucket(Bucket=bucket)
    return f"s3://{bucket}/lake"


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_file()]


def make_first_table(uri: str, identity: LakeIdentity | None) -> None:
    with Lake.opened(uri, SPEC, identity=identity).journal.run("delta", WINDOW):
        pass


def test_the_first_table_of_a_lake_records_what_the_lake_is(folder: Path) -> None:
    assert find_record(Lake.opened(str(folder), SPEC)) is None
    assert not folder.exists()  # a reader leaves no trace
    make_first_table(str(folder), ACME)
    assert json.loads((folder / FILE).read_text()) == {
        "lake_format": LAKE_FORMAT, "project_name": "acme", "feature_spec_version": "v1",
        "parameters": {"settings": {"time_zone": "Asia/Tokyo"}},
    }  # fmt: skip
    assert files(folder) == [FILE]
    assert Lake.opened(str(folder), SPEC).exists("window_status")


def test_a_lake_that_nobody_named_is_local_with_defaults(folder: Path) -> None:
    make_first_table(str(folder), None)
    record = read_record(str(folder))
    assert record is not None and record.identity == LakeIdentity("local", "v1", {"settings": {}})


def test_tables_without_a_record_are_of_the_first_format(folder: Path) -> None:
    write_table(folder, "fg_a", [fg_a_row(SPEC)])
    (folder / FILE).unlink()
    with pytest.raises(LakeFormatError, match=f"format 1, .* Run ndr-lake migrate --lake {folder}"):
        Lake.opened(str(folder), SPEC)
    with pytest.raises(LakeFormatError, match="format 1"):
        note_whole(folder, WINDOW)
    assert not (folder / FILE).exists()


@pytest.mark.parametrize("content", ["", "{}", '{"lake_format": "2"}', "[2]", "\xff"])
def test_a_damaged_record_is_an_error(folder: Path, content: str) -> None:
    folder.mkdir()
    (folder / FILE).write_bytes(content.encode("latin-1"))
    with pytest.raises(LakeFormatError, match="does not say which format"):
        Lake.opened(str(folder), SPEC)


@pytest.mark.parametrize(
    "changed",
    [
        {"project_name": None}, {"project_name": ""}, {"project_name": 7}, {"feature_spec_version": None},
        {"parameters": None}, {"parameters": {}}, {"parameters": {"source": "project.yaml"}},
        {"parameters": {"settings": []}}, {"parameters": {"settings": {}, "source": SOURCE}},
    ],
)  # fmt: skip
def test_a_record_with_a_damaged_identity_is_an_error_that_shows_its_form(
    folder: Path, changed: dict[str, object]
) -> None:
    folder.mkdir()
    (folder / FILE).write_text(json.dumps({"lake_format": LAKE_FORMAT, **ACME.to_dict(), **changed}))
    with pytest.raises(LakeFormatError, match="does not say which project") as raised:
        Lake.opened(str(folder), SPEC)
    form = raised.value.remedy.partition("in this form: ")[2]
    (folder / FILE).write_text(form)
    record = read_record(str(folder))
    assert record is not None and record.require_known("lake").project_name == "NAME"


def test_a_newer_lake_is_refused_and_its_record_stays(folder: Path) -> None:
    folder.mkdir()
    (folder / FILE).write_text('{"lake_format": 99}')
    assert create_record(str(folder), ACME).lake_format == 99  # as if another release had made the lake in between
    with pytest.raises(LakeFormatError, match=r"format 99, but this release knows format 9\. Upgrade the package"):
        Lake.opened(str(folder), SPEC)


def check_two_first_writers(uri: str) -> None:
    """Checks that of two that begin with an empty lake one is recorded, and the other one is refused."""
    lakes = [Lake.opened(uri, SPEC, identity=identity) for identity in (ACME, OTHER)]
    lakes[0].ensure("fg_a")
    lakes[0].ensure("fg_c")
    with pytest.raises(LakeMismatchError, match=r"is of project 'acme', but --project-name is 'other'"):
        lakes[1].ensure("fg_a" if not lakes[1].exists("fg_a") else "pair_counts")
    assert not lakes[1].exists("pair_counts")


def check_many_first_writers(uri: str) -> None:
    """Checks that all who write the record at once find the same one then."""
    identities = [replace(ACME, project_name=f"project-{number}") for number in range(8)]
    with ThreadPoolExecutor(len(identities)) as pool:
        found = set(pool.map(lambda identity: create_record(uri, identity).require_known(uri).project_name, identities))
    assert len(found) == 1


def test_of_two_first_writers_one_is_refused(folder: Path) -> None:
    check_two_first_writers(str(folder))


def test_first_writers_agree_on_disk_and_leave_no_draft(folder: Path) -> None:
    check_many_first_writers(str(folder))
    assert files(folder) == [FILE]


def test_a_writer_with_equal_settings_from_elsewhere_is_not_refused(folder: Path) -> None:
    make_first_table(str(folder), ACME)
    same = LakeIdentity("acme", "v1", {"settings": {"time_zone": "Asia/Tokyo", "working_hours": [7, 17]}})
    Lake.opened(str(folder), SPEC, identity=same).ensure("fg_a")
    other = LakeIdentity("acme", "v1", {"settings": {}})
    with pytest.raises(LakeMismatchError, match=r"this run differ .*: time_zone is 'UTC', in the lake 'Asia/Tokyo'"):
        Lake.opened(str(folder), SPEC, identity=other).ensure("fg_c")


def test_a_record_that_cannot_take_its_place_leaves_no_draft(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # as file systems without hard links say

    monkeypatch.setattr(os, "link", refused)
    with pytest.raises(StorageError, match=r"_lake.json cannot be written: .*not permitted"):
        create_record(str(folder), ACME)
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_a_lake_in_s3_is_recorded_once(remote: str, aws_environment: LocalAws) -> None:
    assert find_record(Lake(remote, SPEC)) is None
    check_two_first_writers(remote)
    key = {"Bucket": remote.split("/")[2], "Key": f"lake/{FILE}"}
    aws_environment.client("s3").put_object(**key, Body=b'{"lake_format": 99}')
    assert create_record(remote, ACME).lake_format == 99
    with pytest.raises(LakeFormatError, match="Upgrade"):
        Lake.opened(remote, SPEC)


@pytest.mark.slow
def test_first_writers_agree_in_s3(remote: str) -> None:
    check_many_first_writers(remote)


def test_a_lake_in_s3_follows_the_source_and_one_on_disk_keeps_its_values(remote: str, folder: Path) -> None:
    for uri in (remote, str(folder)):
        create_record(uri, ACME)
        follow_source(uri, ACME, SOURCE)
    found = [read_record(uri) for uri in (remote, str(folder))]
    followed, kept = (record.require_known("lake") for record in found if record)
    assert (followed, kept) == (replace(ACME, parameters={"source": SOURCE}), ACME)


def test_a_source_never_takes_the_place_of_a_record_that_was_changed_meanwhile(remote: str) -> None:
    create_record(remote, ACME)
    replace_record(remote, OTHER)
    follow_source(remote, ACME, SOURCE)
    record = read_record(remote)
    assert record is not None and record.identity == OTHER
