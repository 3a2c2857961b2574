"""Configuration of the cleaning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from common.errors import ParameterError

BYTES_PER_PART = 64 * 1024 * 1024
"""Bytes of the archive that become one Parquet file, where files can be split."""


@dataclass(frozen=True)
class CleaningConfig:
    """What to read and where to write it; locations are normal URIs (`common.storage.filesystems.normal_uri`).

    Attributes:
        first, last: business dates, both inclusive.
        late_days: days before them that are cleaned too where the archive has other files than the clean zone.
        max_rejected_ratio: share of the rows of a dataset's day, between 0 and 1, that may be rejected.
        processes: how many work at once where Spark does not.
        on_spark: whether the executors of classic Spark do the work.
    """

    archive_uri: str
    clean_uri: str
    first: date
    last: date
    late_days: int = 0
    max_rejected_ratio: float = 0.05
    processes: int = 1
    on_spark: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.max_rejected_ratio <= 1:
            raise ParameterError(f"--max-rejected-ratio {self.max_rejected_ratio} is no share", "Give one from 0 to 1")

    @property
    def days(self) -> list[date]:
        """The business dates, in ascending order."""
        return [self.first + timedelta(days) for days in range((self.last - self.first).days + 1)]

    @property
    def late(self) -> list[date]:
        """The days before them that are looked at."""
        return [self.first - timedelta(days) for days in range(self.late_days, 0, -1)]
