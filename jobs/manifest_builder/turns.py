"""Turns of a builder: the pending files of a date become manifests, and what died on the way is taken up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from common.errors import NdrError
from common.ingestion.items import ManifestRecord, TrackedFile, files_of
from common.ingestion.keys import (
    FILE_SHARDS,
    FIRST_ORDER,
    LAST_ORDER,
    MANIFEST_SHARD,
    orders_after,
    orders_of,
    timestamp,
)
from common.ingestion.states import FileState, ManifestState
from jobs.manifest_builder.batching import batches
from jobs.manifest_builder.config import BuilderConfig
from jobs.manifest_builder.lock import DateLock
from jobs.manifest_builder.log import say
from jobs.manifest_builder.manifests import Manifests
from jobs.manifest_builder.stores import Stores

MOST_COLLISIONS = 3
"""Manifests given up in a row after which the rest is left to a later run."""

ALL = FIRST_ORDER, LAST_ORDER


@dataclass(frozen=True)
class Turns:
    """The turns of one run; with `is_sweep`, files that have waited too long become partial manifests, too."""

    config: BuilderConfig
    stores: Stores
    is_sweep: bool = False

    @property
    def manifests(self) -> Manifests:
        """The manifests in the bucket."""
        return Manifests(self.stores, self.config)

    def dates(self) -> dict[str, str]:
        """The dates that have pending files, in order, with the time at which the first of them was announced."""
        found: dict[str, str] = {}
        for shard in FILE_SHARDS:
            orders = ALL
            while first := self.stores.table.pending(shard, orders, most=1):
                date_prefix = str(first[0]["date_prefix"])
                announced = str(first[0]["created_at"])
                found[date_prefix] = min(announced, found.get(date_prefix, announced))
                orders = orders_after(date_prefix)
        return dict(sorted(found.items()))

    def build(self, date_prefix: str) -> int:
        """How many manifests were made of the date's pending files; 0 if another builder is at it.

        While others bring more files, it goes on for as long as it may; the next run takes what is left.
        """
        lock = DateLock(self.stores, date_prefix, self.stores.new_id(), self.config.lock_seconds)
        was = lock.acquire()
        if was is None:
            say("lock", "taken", date=date_prefix, message="another builder is at it, and will look again")
            return 0
        say("lock", "acquired", date=date_prefix, was=was)
        if was == "expired":
            self.recover(orders_of(date_prefix))
        made, collisions, done = 0, 0, set[str]()
        while collisions < MOST_COLLISIONS and self.stores.may_go_on():
            found, has_more = self._batches(date_prefix, done)
            for batch in found:
                if not self.stores.may_go_on():
                    break
                if not lock.renew():
                    return made
                if self.manifests.make(batch):
                    made, collisions = made + 1, 0
                    done.update(file.file_key for file in batch)
                else:
                    collisions, has_more = collisions + 1, True
                    done.update(self._taken(batch))
            if not has_more and lock.release():
                return made
        while not lock.release():
            pass  # whoever wants it has to wait for the next run, too
        say("batch", "left", date=date_prefix, message="there is more to do than one run may")
        return made

    def recover(self, orders: tuple[str, str] = ALL) -> list[NdrError]:
        """Goes on with the manifests between two orders at which nobody has worked for the time of a lease.

        Those whose execution is to be started are not waited for: each attempt is started once, whoever does it. One
        that fails does not keep the others; the errors are returned.
        """
        errors = []
        before = timestamp(self.stores.now() - timedelta(seconds=self.config.lock_seconds))
        for item in self.stores.table.pending(MANIFEST_SHARD, orders):
            if not self.stores.may_go_on():
                break
            stale = ManifestRecord.from_item(item)
            if stale.updated_at >= before and stale.status != ManifestState.MANIFESTED:
                continue
            try:
                record = self.manifests.advance(stale.key)
                if record and record.status == ManifestState.PROCESSING:
                    self.manifests.settle(record)
            except NdrError as error:
                say("recovery", "failed", "error", manifest=stale.id, message=str(error))
                errors.append(error)
        return errors

    def _batches(self, date_prefix: str, done: set[str]) -> tuple[list[list[TrackedFile]], bool]:
        """The manifests to make of the date's first pending files, and whether there are more files than were read."""
        most = self.config.max_files_per_manifest
        while True:
            pages = [self.stores.table.pending(shard, orders_of(date_prefix), most) for shard in FILE_SHARDS]
            files = [file for page in pages for file in files_of(page) if file.file_key not in done]
            found = batches(files, self.config.limits, self.stores.now(), self.is_sweep)
            has_more = any(len(page) == most for page in pages)
            if found or not has_more:
                say("batch", "made" if found else "waits", date=date_prefix, manifests=len(found), files=len(files))
                return found, has_more
            most *= 2

    def _taken(self, files: list[TrackedFile]) -> set[str]:
        """Those of the files, which the index has as pending, that are so no more."""
        now = files_of(self.stores.table.read(file.key for file in files))
        free = {file.file_key for file in now if file.status == FileState.PENDING and file.manifest_id is None}
        return {file.file_key for file in files} - free
