"""How logs are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from common.contracts.session import SESSION_COLUMNS
from common.errors import ParameterError
from common.logs import values
from common.logs.panos_variables import VARIABLES, column_of


@dataclass(frozen=True)
class ReadOptions:
    """How to read log files.

    Attributes:
        format: name of the format of all files; None to detect it for each file.
        time_zone: zone of times that do not name one: IANA name, or offset such as +02:00.
        device_time_zones: the same for single devices, by serial number.
        column_mapping: name of each canonical column in Parquet files that call it otherwise; a dotted name is nested.
        columns: PAN-OS's variables, or canonical names, in the order of a custom log format as CSV.

    Raises:
        ParameterError: a time zone, a mapped column or a column of the custom log format is unknown.
    """

    format: str | None = None
    time_zone: str = "UTC"
    device_time_zones: Mapping[str, str] = field(default_factory=dict)
    column_mapping: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

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
        if unknown := [name for name in self.columns if column_of(name) is None]:
            raise ParameterError(
                f"columns has unknown variables: {', '.join(unknown)}",
                f"Write the variables of the log format in their order, future_use for others: {', '.join(VARIABLES)}",
            )
