r"""The claim protocol: which writes bring a manifest and its files from one state to the next, on which conditions.

    claiming -> claimed -> manifested
        \-> releasing -> gone

Every write names the state that it starts from, so a builder that comes late changes nothing. `claim_token` tells a
record from an earlier one of the same files, which was given up meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

from common.ingestion.items import PENDING, ManifestRecord, TrackedFile
from common.ingestion.keys import manifest_id, manifest_object, timestamp
from common.ingestion.states import FileState, ManifestState, files_before
from common.ingestion.writes import MOST_WRITES, Condition, Value, Write, absent, all_of, equals

Thing = TypeVar("Thing")
Transaction = tuple[Write, ...]


def new_record(files: Sequence[TrackedFile], bucket: str, claim_token: str, now: datetime) -> ManifestRecord:
    """The record of a manifest of these files, which are of one date, route and organisation."""
    first, identifier = files[0], manifest_id(file.key for file in files)
    return ManifestRecord(
        date_prefix=first.date_prefix,
        id=identifier,
        status=ManifestState.CLAIMING,
        claim_token=claim_token,
        file_keys=tuple(sorted(file.file_key for file in files)),
        bytes=sum(file.file_size for file in files),
        manifest_path=f"s3://{bucket}/{manifest_object(first.date_prefix, identifier)}",
        created_at=timestamp(now),
        updated_at=timestamp(now),
        route=first.route,
        organisation=first.organisation,
    )


def claims(record: ManifestRecord, now: datetime) -> Iterator[Transaction]:
    """Makes all files the manifest's, and takes them out of the pending index; one that is its own already stays so."""
    is_free = equals("status", FileState.PENDING), absent("manifest_id")
    is_own = equals("status", FileState.PENDING), equals("manifest_id", record.id)
    values: dict[str, Value] = {"manifest_id": record.id, "updated_at": timestamp(now)}
    for keys in _parts(record.keys_of_files, MOST_WRITES - 1):
        files = (Write("update", key, (is_free, is_own), values, PENDING) for key in keys)
        yield Write("check", record.key, _unchanged(record)), *files


def releases(record: ManifestRecord, files: Iterable[TrackedFile], now: datetime) -> Iterator[Transaction]:
    """Gives those of its files that the manifest has claimed back."""
    own = [file for file in files if file.manifest_id == record.id]
    for part in _parts(own, MOST_WRITES - 1):
        freed = (
            Write("update", file.key, _own(record), {"updated_at": timestamp(now)} | file.in_index, ("manifest_id",))
            for file in part
        )
        yield Write("check", record.key, _unchanged(record)), *freed


def removal(record: ManifestRecord) -> Write:
    """Removes the record of a manifest that has released its files."""
    return Write("delete", record.key, _unchanged(record))


def manifested(record: ManifestRecord, files: Iterable[TrackedFile], now: datetime) -> Iterator[Transaction]:
    """Notes in the files that their manifest is written."""
    own = [file for file in files if file.manifest_id == record.id and file.status == FileState.PENDING]
    values: dict[str, Value] = {
        "status": FileState.MANIFESTED,
        "manifest_path": record.manifest_path,
        "updated_at": timestamp(now),
    }
    for part in _parts(own, MOST_WRITES):
        yield tuple(Write("update", file.key, _own(record), values) for file in part)


def ended(
    record: ManifestRecord, files: Iterable[TrackedFile], state: FileState, now: datetime, **values: Value
) -> Iterator[Transaction]:
    """Notes in those of the files that have not ended yet how the execution of their manifest did."""
    values |= {"status": state, "updated_at": timestamp(now)}
    before = files_before(state)
    own = [file for file in files if file.manifest_id == record.id and file.status in before]
    condition = all_of(equals("manifest_id", record.id), equals("status", *before))
    for part in _parts(own, MOST_WRITES):
        yield tuple(Write("update", file.key, condition, values) for file in part)


def renewed(record: ManifestRecord, now: datetime) -> Write:
    """Notes that a builder works on the record, unless it has changed since: others leave it alone for a lease."""
    ((*tests,),) = _unchanged(record)
    return Write(
        "update", record.key, all_of(*tests, equals("updated_at", record.updated_at)), {"updated_at": timestamp(now)}
    )


def moved(record: ManifestRecord, state: ManifestState, now: datetime, **values: Value) -> Write:
    """Brings the record to another state, with these attributes; an ended one leaves the index."""
    values |= {"status": state, "updated_at": timestamp(now)}
    return Write("update", record.key, _unchanged(record), values, PENDING if state.has_ended else ())


def _unchanged(record: ManifestRecord) -> Condition:
    """The record is as it was read."""
    return all_of(
        equals("status", record.status),
        equals("claim_token", record.claim_token),
        equals("attempt", record.attempt),
    )


def _own(record: ManifestRecord) -> Condition:
    """A file is the manifest's, which is not written yet."""
    return all_of(equals("status", FileState.PENDING), equals("manifest_id", record.id))


def _parts(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    rest = iter(things)
    while part := list(islice(rest, size)):
        yield part
