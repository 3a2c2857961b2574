"""What is published, accepted, refused, kept and removed; without an engine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.aws.swap import swapped
from common.c360.datasets import STAGING
from common.c360.manifest import ParquetFile, SnapshotManifest, StagedTable, manifest_json, read_manifest
from common.errors import CommitError, InputError, ShrinkError
from common.storage.files import Folder
from jobs.c360_staging import publication
from jobs.c360_staging.publication import Published, check_keys, publish, published
from tests.jobs.c360_staging.zones import day
from tests.jobs.ndjson_to_parquet.conftest import environment, moto_server, s3

__all__ = ["environment", "moto_server", "s3"]


@pytest.fixture(params=["disk", "s3"])
def staging(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    if request.param == "disk":
        return Folder(str(tmp_path / "staging"))
    request.getfixturevalue("s3")
    return Folder("s3://parquet/c360/staging")


def written(staging: Folder, run_id: str, number: int = 1, customers: int = 10, plans: int = 10) -> SnapshotManifest:
    """The manifest of a snapshot with a file for each table, which are there."""
    tables = {}
    for table in STAGING:
        content = f"{table} of {run_id}".encode()
        digest = hashlib.sha256(content).hexdigest()
        file = ParquetFile(f"{table}/run={run_id}/part-{digest}.parquet", 1, len(content), digest)
        staging.write(file.name, content)
        rows = {"customers": customers, "plans": plans}.get(table, 1)
        tables[table] = StagedTable(rows, (file,))
    return SnapshotManifest(run_id, day(number), tables)


def readable(staging: Folder, manifest: SnapshotManifest) -> bool:
    """Whether all files of the snapshot are there as they were written."""
    files = [file for table in manifest.tables.values() for file in table.files]
    return all(
        staging.exists(file.name) and hashlib.sha256(staging.read(file.name)).hexdigest() == file.sha256
        for file in files
    )


def put(staging: Folder, run_id: str, **others: int) -> SnapshotManifest:
    manifest = written(staging, run_id, **others)
    publish(staging, manifest, published(staging))
    return manifest


@pytest.mark.slow
def test_the_manifest_is_what_was_published(staging: Folder) -> None:
    assert published(staging) == Published()
    manifest = put(staging, "a")
    assert published(staging) == Published(manifest_json(manifest), manifest)
    assert staging.read("manifests/a.json") == manifest_json(manifest)
    assert staging.read(f"accepted/{day(1)}.json") == b'{"keys": {"customers": 10, "plans": 10}, "run_id": "a"}'


def test_a_manifest_that_is_none_is_an_error(staging: Folder) -> None:
    staging.write("manifest.json", b"[]")
    with pytest.raises(InputError, match=r"staging/manifest\.json is no manifest"):
        published(staging)


def test_a_run_that_began_before_another_was_published_is_refused(staging: Folder) -> None:
    for first in ("a", "b"):
        seen = published(staging)
        other = put(staging, f"{first}-other")
        with pytest.raises(CommitError, match="another run has published"):
            publish(staging, written(staging, first), seen)
        assert published(staging).manifest == other
        assert readable(staging, other)


@pytest.mark.slow
def test_the_files_of_two_snapshots_before_are_kept(staging: Folder) -> None:
    runs = {name: put(staging, name) for name in "abcd"}
    assert [name for name, manifest in runs.items() if readable(staging, manifest)] == ["b", "c", "d"]
    left = {entry.name.split("run=")[1][0] for table in STAGING for entry in staging.list(table)}
    assert left == {"b", "c", "d"}
    assert [entry.name for entry in staging.list("manifests")] == [f"manifests/{name}.json" for name in "bcd"]


def test_a_snapshot_that_is_published_again_counts_once(staging: Folder) -> None:
    runs = {name: put(staging, name) for name in "abab"}
    assert all(readable(staging, manifest) for manifest in runs.values())
    assert published(staging).run_id == "b"


def test_what_killed_and_refused_runs_wrote_is_removed(staging: Folder) -> None:
    written(staging, "killed")
    staging.write("customers/run=a/part-0.parquet", b"")
    manifest = put(staging, "a")
    named = sorted(file.name for table in manifest.tables.values() for file in table.files)
    assert sorted(entry.name for table in STAGING for entry in staging.list(table)) == named
    if not staging.is_remote:
        assert [path.name for path in (Path(staging.uri) / "customers").iterdir()] == ["run=a"]


def test_what_a_later_run_writes_meanwhile_stays(staging: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run begins between the publication and the removal."""
    later: list[SnapshotManifest] = []

    def swap(*arguments: Any) -> bool:
        done = swapped(*arguments)
        later.append(written(staging, "later"))
        return done

    monkeypatch.setattr(publication, "swapped", swap)
    put(staging, "a")
    assert readable(staging, later[0])


@pytest.mark.parametrize(("customers", "plans", "refused"), [(90, 9, ""), (89, 10, "89 customers"), (99, 8, "8 plans")])
def test_a_snapshot_with_less_than_nine_tenths_of_the_keys_is_refused(
    tmp_path: Path, customers: int, plans: int, refused: str
) -> None:
    staging = Folder(str(tmp_path))
    put(staging, "a", number=2, customers=100)
    keys = {"customers": customers, "plans": plans}
    if not refused:
        check_keys(staging, day(3), keys)
        return
    with pytest.raises(ShrinkError, match=f"{refused} as of {day(3)} are less than 90% of the 1.* as of {day(2)}"):
        check_keys(staging, day(3), keys)


def test_the_accepted_snapshot_of_the_nearest_earlier_day_counts(tmp_path: Path) -> None:
    """Not the last one that was published, nor one of the same day or a later one."""
    staging = Folder(str(tmp_path))
    for number, customers in ((1, 1000), (5, 1000), (3, 10)):
        put(staging, f"r{number}", number=number, customers=customers)
    check_keys(staging, day(5), {"customers": 10, "plans": 10})
    check_keys(staging, day(1), {"customers": 1, "plans": 10})
    with pytest.raises(ShrinkError):
        check_keys(staging, day(3), {"customers": 10, "plans": 10})


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


def killing(monkeypatch: pytest.MonkeyPatch, after: int) -> Callable[[], int]:
    """Kills the run after so many changes of the zone; returns how many there were."""
    done = 0

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any) -> Any:
            nonlocal done
            if done == after:
                raise Killed
            done += 1
            return change(*arguments)

        return changed

    monkeypatch.setattr(Folder, "delete", counted(Folder.delete))
    monkeypatch.setattr(Folder, "write", counted(Folder.write))
    return lambda: done


@pytest.mark.parametrize("after", range(9))
def test_a_kill_at_any_step_leaves_the_old_snapshot_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    staging = Folder(str(tmp_path))
    for name in "abc":
        old = put(staging, name)
    new = written(staging, "d", number=2)
    with monkeypatch.context() as patch:
        changes = killing(patch, after)
        try:
            publish(staging, new, published(staging))
            # manifest, accepted and copy; then the copy and the four files of the oldest
            assert changes() == 3 + 5 <= after
        except Killed:
            assert changes() == after < 3 + 5
    seen = published(staging).manifest
    assert seen == (old if after == 0 else new)
    assert readable(staging, seen)
    publish(staging, written(staging, "e", number=3), published(staging))
    assert sorted(entry.name for entry in staging.list("accepted")) == [
        f"accepted/{day(number)}.json" for number in ((1, 3) if after == 0 else (1, 2, 3))
    ]
    kept = [read_manifest(staging.read(entry.name), entry.name) for entry in staging.list("manifests")]
    assert {manifest.run_id for manifest in kept} == ({*"bce"} if after == 0 else {*"cde"})
    assert all(readable(staging, manifest) for manifest in kept)
    assert len([entry for table in STAGING for entry in staging.list(table)]) == 3 * len(STAGING)
