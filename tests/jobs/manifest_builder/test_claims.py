"""Writes of the claim protocol that come late change nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from common.ingestion.events import Announced
from common.ingestion.items import ManifestRecord, TrackedFile, files_of
from common.ingestion.states import FileState, ManifestState
from common.ingestion.writes import put_new
from jobs.manifest_builder import claims
from jobs.manifest_builder.claims import Transaction
from jobs.manifest_builder.manifests import Manifests
from jobs.manifest_builder.tracking import track
from tests.jobs.manifest_builder.memory import NOON, Memory
from tests.jobs.manifest_builder.worlds import CONFIG


@dataclass
class Bench:
    """Three pending files of a past day."""

    memory: Memory

    @property
    def files(self) -> list[TrackedFile]:
        """The files, by name."""
        return sorted(files_of(self.memory.table.of_kind("file")), key=lambda file: file.file_key)

    @property
    def owners(self) -> list[str | None]:
        """The manifest of each file."""
        return [file.manifest_id for file in self.files]

    def record(self, *numbers: int, token: str) -> ManifestRecord:
        """The record, put into the table, of a manifest of these files."""
        record = claims.new_record([self.files[number] for number in numbers], "manifests", token, NOON)
        assert self.memory.table.write(put_new(record.key, record.to_item()))
        return record

    def written(self, transactions: Iterable[Transaction]) -> list[bool]:
        """Whether each transaction took place."""
        return [self.memory.table.write(*writes) for writes in transactions]

    def moved(self, record: ManifestRecord, state: ManifestState) -> ManifestRecord:
        """The record in its next state."""
        assert self.memory.table.write(claims.moved(record, state, NOON))
        found = self.manifests.read(record.key)
        assert found is not None
        return found

    @property
    def manifests(self) -> Manifests:
        """The manifests of the bench."""
        return Manifests(self.memory.stores, CONFIG)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(claims, "MOST_WRITES", 2)
    memory = Memory()
    for name in ("a", "b", "c"):
        track(Announced("landing", f"{name}-2026-03-09.ndjson", 1, "e"), CONFIG, memory.stores)
    return Bench(memory)


def given_up(bench: Bench) -> ManifestRecord:
    """A manifest of two files that was released, because another one has the second."""
    record = bench.record(0, 1, token="first")
    assert bench.manifests.make([bench.files[1], bench.files[2]])
    assert bench.manifests.advance(record.key) is None
    return record


def test_a_manifest_whose_file_is_taken_gives_the_others_back(bench: Bench) -> None:
    given_up(bench)
    owner = bench.owners[1]
    assert bench.owners == [None, owner, owner]
    assert "pending_shard" in bench.memory.table.items[bench.files[0].key]
    assert bench.files[0].to_item() == bench.memory.table.items[bench.files[0].key]
    assert len(bench.memory.table.of_kind("manifest")) == 1


def test_late_claims_of_a_manifest_that_was_given_up_fail(bench: Bench) -> None:
    late = claims.claims(given_up(bench), NOON)
    assert bench.written(late) == [False, False] and bench.owners[0] is None


def test_late_claims_do_not_count_for_a_later_manifest_of_the_same_files(bench: Bench) -> None:
    old = bench.record(0, 1, token="first")
    bench.manifests._release(bench.moved(old, ManifestState.RELEASING))
    new = bench.record(0, 1, token="second")
    assert new.id == old.id
    assert bench.written(claims.claims(old, NOON)) == [False, False]
    assert not bench.memory.table.write(claims.moved(old, ManifestState.CLAIMED, NOON))
    assert bench.written(claims.claims(new, NOON)) == [True, True]


def test_late_releases_do_not_take_files_from_a_later_manifest(bench: Bench) -> None:
    old = bench.record(0, 1, token="first")
    assert bench.written(claims.claims(old, NOON)) == [True, True]
    releasing = bench.moved(old, ManifestState.RELEASING)
    late = list(claims.releases(releasing, bench.files, NOON))
    bench.manifests._release(releasing)
    new = bench.record(0, 1, token="second")
    assert bench.written(claims.claims(new, NOON)) == [True, True]
    assert bench.written(late) == [False, False]
    assert not bench.memory.table.write(claims.removal(releasing))
    assert bench.owners == [new.id, new.id, None]


def test_late_notes_leave_files_that_are_completed(bench: Bench) -> None:
    record = bench.manifests.make(bench.files)
    assert record
    pending = [TrackedFile.from_item({**file.to_item(), "status": "pending"}) for file in bench.files]
    late = [*claims.manifested(record, pending, NOON), *claims.ended(record, bench.files, FileState.FAILED, NOON)]
    for file in bench.files:
        bench.memory.table.items[file.key] |= {"status": "completed"}
    assert bench.written(late) == [False] * 4
    assert {file.status.value for file in bench.files} == {"completed"}
