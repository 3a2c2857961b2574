"""The lock of a date, a lease: it saves the work of two builders on the same files, and correctness needs it not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from common.ingestion.keys import lock_key
from common.ingestion.writes import NEW, Condition, Value, Write, absent, all_of, equals, exists, less
from jobs.manifest_builder.stores import Stores


@dataclass(frozen=True)
class DateLock:
    """The lock of a date as one builder, `lock_id`, sees it; its lease ends `seconds` after it was last renewed."""

    stores: Stores
    date_prefix: str
    lock_id: str
    seconds: int

    def acquire(self) -> Literal["free", "expired"] | None:
        """How the lock was when it was taken; None if another builder has it, who then looks again before it ends."""
        while True:
            if self._put(NEW):
                return "free"
            if self._put(all_of(less("expires_at", self._now))):
                return "expired"
            if self._update(all_of(exists("lock_id")), wanted=True):
                return None

    def renew(self) -> bool:
        """Prolongs the lease; False if another builder took it over."""
        return self._update(self._mine, expires_at=self._now + self.seconds)

    def release(self) -> bool:
        """Gives the lock back; False if another builder wanted it, so that there is more to look for."""
        mine, unwanted = equals("lock_id", self.lock_id), equals("wanted", False)
        if self._write(Write("delete", self._key, ((mine, absent("wanted")), (mine, unwanted)))):
            return True
        wanted = all_of(mine, equals("wanted", True))
        return not self._update(wanted, wanted=False, expires_at=self._now + self.seconds)

    @property
    def _key(self) -> tuple[str, str]:
        return lock_key(self.date_prefix)

    @property
    def _mine(self) -> Condition:
        return all_of(equals("lock_id", self.lock_id))

    @property
    def _now(self) -> int:
        return int(self.stores.now().timestamp())

    def _put(self, condition: Condition) -> bool:
        values: dict[str, Value] = {
            "kind": "lock",
            "lock_id": self.lock_id,
            "expires_at": self._now + self.seconds,
            "wanted": False,
        }
        return self._write(Write("put", self._key, condition, values))

    def _update(self, condition: Condition, **values: Value) -> bool:
        return self._write(Write("update", self._key, condition, values))

    def _write(self, write: Write) -> bool:
        return self.stores.table.write(write)
