"""The table that says how much each device and zone logged."""

from __future__ import annotations

from common.contracts.columns import PARTITIONS
from common.contracts.session import ABSENT
from common.contracts.types import Column, Table

LOG_VOLUME = Table(
    "log_volume",
    "one row per window, device and source zone with a record that the window counts",
    (
        Column("device_serial", "string", "serial number of the firewall", null_when=ABSENT),
        Column("src_zone", "string", "source zone", null_when=ABSENT),
        Column("records", "long", "records that the window counts, whatever their repeat_count", "records"),
        *PARTITIONS,
    ),
    ("date",),
    ("device_serial", "src_zone", "window"),
)
