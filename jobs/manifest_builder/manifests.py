"""Makes manifests, and completes or gives up those that another builder left unfinished."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from common.errors import InputError
from common.ingestion.document import manifest_json
from common.ingestion.items import ManifestRecord, TrackedFile, files_of
from common.ingestion.keys import Key, manifest_object
from common.ingestion.states import FileState, ManifestState
from common.ingestion.writes import Value, put_new
from jobs.manifest_builder import claims
from jobs.manifest_builder.claims import Transaction
from jobs.manifest_builder.config import BuilderConfig
from jobs.manifest_builder.log import say
from jobs.manifest_builder.stores import End, Stores


@dataclass(frozen=True)
class Manifests:
    """Brings manifests, written to the bucket, from state to state.

    Each step begins with the record as it is in the table, and its writes are conditional on it, so any number of
    builders may work on one manifest, and each may stop after any step.
    """

    stores: Stores
    config: BuilderConfig

    def make(self, files: Sequence[TrackedFile]) -> ManifestRecord | None:
        """The manifest of these files, with its execution started; None if another manifest has some of them."""
        record = claims.new_record(files, self.config.manifest_bucket, self.stores.new_id(), self.stores.now())
        self.stores.table.write(put_new(record.key, record.to_item()))  # an earlier run may have put it
        return self.advance(record.key)

    def advance(self, key: Key) -> ManifestRecord | None:
        """The manifest, brought as far as a builder can; None if it does not exist, or was given up.

        Raises:
            InputError: a file of the manifest has vanished from the table.
        """
        while record := self.read(key):
            match record.status:
                case ManifestState.CLAIMING:
                    self._claim(record)
                case ManifestState.RELEASING:
                    self._release(record)
                case ManifestState.CLAIMED:
                    self._publish(record)
                case ManifestState.MANIFESTED:
                    self._start(record)
                    return record
                case _:
                    return record
        return None

    def read(self, key: Key) -> ManifestRecord | None:
        """The record as it is now."""
        return next((ManifestRecord.from_item(item) for item in self.stores.table.read([key])), None)

    def settle(self, record: ManifestRecord) -> None:
        """Notes how the execution of a manifest ended, if it could not do so itself; a failure is said in an alert."""
        end = self.stores.executions and self.stores.executions.end_of(_execution(record))
        if not end or not self.stores.table.write(claims.renewed(record, self.stores.now())):
            return  # it goes on, has said it meanwhile, or somebody else is at it
        if end.job_is_done and record.status == ManifestState.PROCESSING:
            until = self.config.expires_at(self.stores.now())
            values: dict[str, Value] = {"expires_at": until} if until else {}
            self._end_files(record, FileState.COMPLETED, **values)
            values["job_run_id"] = str(end.output.get("job_run_id", ""))
            self.stores.table.write(claims.moved(record, ManifestState.COMPLETED, self.stores.now(), **values))
            say("execution", "completed", manifest=record.id)
            return
        error = f"execution {_execution(record)} ended as {end.status} without a final state"
        self._end_files(record, FileState.FAILED)
        if self.stores.alerts:  # a builder that dies here has it sent again
            self.stores.alerts.send(*alert(record, end, error))
        self.stores.table.write(claims.moved(record, ManifestState.FAILED, self.stores.now(), error=error))
        say("execution", "failed", "error", manifest=record.id, message=error)

    def _end_files(self, record: ManifestRecord, state: FileState, **values: Value) -> None:
        while files := self._files(record):
            if self._all(claims.ended(record, files, state, self.stores.now(), **values)):
                return

    def _claim(self, record: ManifestRecord) -> None:
        is_complete = self._all(claims.claims(record, self.stores.now()))
        state = ManifestState.CLAIMED if is_complete else ManifestState.RELEASING
        if self.stores.table.write(claims.moved(record, state, self.stores.now())) and not is_complete:
            say("claim", "released", manifest=record.id, files=record.file_count)

    def _release(self, record: ManifestRecord) -> None:
        if self._all(claims.releases(record, self._files(record), self.stores.now())):
            self.stores.table.write(claims.removal(record))

    def _publish(self, record: ManifestRecord) -> None:
        files = [file for file in self._files(record) if file.manifest_id == record.id]
        if len(files) != record.file_count:
            raise InputError(
                f"manifest {record.id} of {record.date_prefix} has {record.file_count} files, but the table has "
                f"{len(files)} of them",
                "Restore the items that were deleted from the table",
            )
        key = manifest_object(record.date_prefix, record.id)
        if self.stores.objects.put_new(self.config.manifest_bucket, key, manifest_json(record, files)):
            say("manifest", "written", path=record.manifest_path, files=record.file_count, bytes=record.bytes)
        if self._all(claims.manifested(record, files, self.stores.now())):
            say("files", "manifested", manifest=record.id, files=record.file_count)
            self.stores.table.write(claims.moved(record, ManifestState.MANIFESTED, self.stores.now()))

    def _start(self, record: ManifestRecord) -> None:
        name = _execution(record)
        if self.stores.executions is None:
            say("execution", "skipped", "warning", manifest=record.id, message="there is no state machine to start")
        elif self.stores.executions.start(name, execution_input(record)):
            say("execution", "started", execution=name)
        else:
            self.settle(record)

    def _files(self, record: ManifestRecord) -> list[TrackedFile]:
        return files_of(self.stores.table.read(record.keys_of_files))

    def _all(self, transactions: Iterable[Transaction]) -> bool:
        """Whether all of them took place; after one that did not, no further one is tried."""
        return all(self.stores.table.write(*writes) for writes in transactions)


def execution_input(record: ManifestRecord) -> str:
    """The input of the manifest's execution: the same for each start of an attempt, so only the first counts."""
    return json.dumps(
        {
            "manifest_id": record.id,
            "manifest_path": record.manifest_path,
            "date_prefix": record.date_prefix,
            "file_count": record.file_count,
            "timestamp": record.created_at,
            "attempt": record.attempt,
        }
    )


def alert(record: ManifestRecord, end: End, cause: str) -> tuple[str, str]:
    """Subject and text of the alert about a manifest that failed, as its state machine words them."""
    text = {
        "manifest_id": record.id,
        "manifest_path": record.manifest_path,
        "attempt": record.attempt,
        "error": "Ndr.ExecutionEnded",
        "cause": cause,
        "execution": end.execution,
        "what_to_do": f"Correct the cause, then: ndr-ingestion reprocess {record.id}",
    }
    return f"NDJSON ingestion: manifest {record.id} failed", json.dumps(text)


def _execution(record: ManifestRecord) -> str:
    return f"{record.id}-{record.attempt}"
