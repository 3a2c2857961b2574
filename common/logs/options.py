"""What a reader has to be told about the logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from common.contracts.session import SESSION_COLUMNS
from common.errors import FormatError, ParameterError
from common.logs import values

FORMATS = ("panos", "ecs", "sls", "zeek", "argus", "parquet")
"""Names of the log formats, in the order in which they are tried."""


@dataclass(frozen=True)
class ReadOptions:
    """How to read a log file.

    `format` None means that it is detected. `time_zone` (IANA name or offset such as +02:00) applies to times without
    a zone. `column_mapping` maps canonical column names to those of a Parquet file.

    Raises:
        FormatError: the format is unknown.
        ParameterError: the time zone or a mapped column is unknown.
    """

    format: str | None = None
    time_zone: str = "UTC"
    column_mapping: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FORMATS:
            raise FormatError(f"log format {self.format!r} is unknown", f"Known ones: {', '.join(FORMATS)}")
        try:
            values.zone(self.time_zone)
        except ValueError:
            raise ParameterError(
                f"log time zone {self.time_zone!r} is unknown",
                "Give an IANA name (Europe/Berlin) or an offset (+02:00)",
            ) from None
        names = {column.name for column in SESSION_COLUMNS}
        if unknown := sorted(set(self.column_mapping) - names):
            raise ParameterError(
                f"column_mapping has unknown columns: {', '.join(unknown)}",
                f"Canonical ones: {', '.join(sorted(names))}",
            )
