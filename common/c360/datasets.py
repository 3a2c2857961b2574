"""The datasets of Customer 360: what a source must deliver, and the columns of the clean zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import pyarrow as pa

from common.contracts.types import Column, arrow_schema

ABSENT = "the source does not give it"

PROVENANCE = (
    Column("source_file", "string", "file below archive/<dataset>/, <business date>/<name>.<hash>"),
    Column("source_line", "long", "line of the file, the first is 1"),
    Column("file_time", "timestamp", "when the source delivered the file"),
    Column("row_hash", "string", "SHA-256 of the row as the source wrote it, in hex"),
)
"""Where a row comes from; rows of one key are ordered by business date, `file_time` and `row_hash`."""


@dataclass(frozen=True)
class Dataset:
    """What one source delivers.

    Attributes:
        format: of its files.
        key: the column that names an entity.
        required: the columns that each file must have, and each row a value in.
        is_snapshot: whether the files of a day hold all entities; else they hold the events of that day.
        columns: those of the clean zone, without `PROVENANCE` and the partition `load_date`.
    """

    name: str
    format: Literal["ndjson", "csv"]
    key: str
    required: tuple[str, ...]
    is_snapshot: bool
    columns: tuple[Column, ...]

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema of the clean zone."""
        return arrow_schema((*self.columns, *PROVENANCE))


def _text(name: str, meaning: str) -> Column:
    return Column(name, "string", meaning, null_when=ABSENT)


CUSTOMERS = Dataset(
    "customers",
    "ndjson",
    "customer_id",
    ("customer_id",),
    True,
    (
        Column("customer_id", "string", "key of the customer"),
        _text("first_name", "first name"),
        _text("last_name", "last name"),
        Column("email", "string", "e-mail address, in lower case", null_when="absent, or no address"),
        Column("phone", "string", "phone number, E.164", null_when="absent, or no number of the country"),
        _text("gender", "in lower case"),
        Column("date_of_birth", "date", "date of birth", null_when=ABSENT),
        _text("address", "postal address"),
        _text("state", "state or region"),
        Column("country", "string", "ISO 3166-1 alpha-2", null_when="absent, or no country"),
        Column("registration_date", "date", "day of registration", null_when=ABSENT),
        _text("registration_channel", "in lower case"),
        Column("plan_id", "string", "plan on that day", null_when="the customer has none"),
        _text("status", "in lower case: active, suspended, ..."),
        Column("ip_ranges", "string", "networks of the customer, CIDR, separated by a comma", null_when=ABSENT),
    ),
)
PLANS = Dataset(
    "plans",
    "csv",
    "plan_id",
    ("plan_id",),
    True,
    (
        Column("plan_id", "string", "key of the plan"),
        _text("plan_name", "name"),
        Column("monthly_price", "decimal(12,2)", "price of a month", "currency", ABSENT),
        Column("currency", "string", "ISO 4217", null_when=ABSENT),
        Column("data_allowance_gb", "double", "data of a month", "GB", ABSENT),
        Column("voice_minutes", "long", "calls of a month", "min", ABSENT),
        Column("sms_allowance", "long", "messages of a month", "messages", ABSENT),
        Column("roaming_enabled", "boolean", "whether roaming is included", null_when=ABSENT),
        Column("validity_days", "long", "how long it is valid", "d", ABSENT),
        _text("plan_category", "category"),
    ),
)
ACTIVITY_LOGS = Dataset(
    "activity_logs",
    "ndjson",
    "event_id",
    ("event_id", "customer_id", "event_type", "event_timestamp"),
    False,
    (
        Column("event_id", "string", "key of the event"),
        Column("customer_id", "string", "customer"),
        Column("event_type", "string", "in lower case: call_ended, data_session, plan_changed, ..."),
        Column("event_timestamp", "timestamp", "when it happened; without an offset, in UTC"),
        _text("device_type", "device"),
        _text("ip_address", "address of the device"),
        _text("network_type", "network"),
        Column("old_plan_id", "string", "payload.old_plan_id of plan_changed", null_when="another event"),
        Column("new_plan_id", "string", "payload.new_plan_id of plan_changed", null_when="another event"),
        Column("duration_seconds", "double", "payload.duration_seconds", "s", ABSENT),
        Column("mb_used", "double", "payload.mb_used", "MB", ABSENT),
        Column("amount", "decimal(12,2)", "payload.amount or payload.price: paid", "currency", ABSENT),
        Column("payload", "string", "the whole payload, JSON", null_when=ABSENT),
    ),
)
DATASETS: Mapping[str, Dataset] = MappingProxyType(
    {dataset.name: dataset for dataset in (CUSTOMERS, PLANS, ACTIVITY_LOGS)}
)

ROW_TIME = (Column("business_date", "date", "day of the file that the row comes from"),)
PLAN_HISTORY = (
    Column("customer_id", "string", "customer"),
    Column("plan_id", "string", "plan", null_when="the customer has none"),
    Column("valid_from", "timestamp", "when it came into force"),
    Column("valid_to", "timestamp", "when it ended, exclusive", null_when="it is in force"),
    Column("source", "string", "registration, event or snapshot: what says so"),
    Column("is_conflict", "boolean", "whether the event names another old plan than the one in force"),
)
STAGING: Mapping[str, tuple[Column, ...]] = MappingProxyType(
    {
        "customers": (*CUSTOMERS.columns, *ROW_TIME),
        "plans": (*PLANS.columns, *ROW_TIME),
        "activity_logs": (
            *ACTIVITY_LOGS.columns,
            Column("plan_id", "string", "plan of the customer at that moment", null_when="none is known"),
            *ROW_TIME,
        ),
        "plan_history": PLAN_HISTORY,
    }
)
"""The tables of a snapshot. `customers` and `plans` are those of the last delivery: all rows have one business date."""
