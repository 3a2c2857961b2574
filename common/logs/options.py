"""How logs are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from common.contracts.session import SESSION_COLUMNS
from common.errors import ParameterError
from common.logs import values


@dataclass(frozen=True)
class ReadOptions:
    """How to read log files.

    Attributes:
        format: name of the format of all files; None to detect it for each file.
        time_zone: zone of times that do not name one: IANA name, or offset such as +02:00.
        device_time_zones: the same for single devices, by serial number.
        column_mapping: name of each canonical column in Parquet files that call it otherwise.

    Raises:
        ParameterError: a time zone or a mapped column is unknown.
    """

    format: str | None = None
    time_zone: str = "UTC"
    device_time_zones: Mapping[str, str] = field(default_factory=dict)
    column_mapping: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (self.time_zone, *self.device_time_zones.values()):
            try:
                values.zone(name)
            except ValueError:
                raise ParameterError(
                    f"log time zone {name!r} is unknown", "Give an IANA name (Europe/Berlin) or an offset (+02:00)"
                ) from None
        names = {column.name for column in SESSION_COLUMNS}
        if unknown := sorted(set(self.column_mapping) - names):
            raise ParameterError(
                f"column_mapping has unknown columns: {', '.join(unknown)}",
                f"Canonical columns: {', '.join(sorted(names))}",
            )
