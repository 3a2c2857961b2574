"""The archive of one day of Customer 360 in any size, made by DuckDB of row numbers: equal options give equal files.

    python -m bench.c360_data --out FOLDER [--day D] [--customers N] [--events N] [--files N]

It is clean but for its spellings, in which all values must be normalised; `c360-simulate` has the dirt.
"""

from __future__ import annotations

import argparse
import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb

PLANS = 20
DAY = date(2026, 3, 1)

CUSTOMERS = """
SELECT printf('C%07d', i) AS customer_id,
       concat('First', i % 1000) AS first_name, concat('Last', i % 5000) AS last_name,
       concat('C', i, '@Example.com') AS email,
       printf('080%d %03d %04d', [3, 5, 6][1 + i % 3], i // 10000 % 1000, i % 10000) AS phone,
       CASE WHEN i % 2 = 0 THEN 'Male' ELSE 'Female' END AS gender,
       strftime(DATE '1950-01-01' + (i * 7919 % 20000)::INTEGER, '%d/%m/%Y') AS date_of_birth,
       concat(i % 200, ' Broad Street') AS address, 'Lagos' AS state, 'Nigeria' AS country,
       DATE '2025-01-01' - (i * 104729 % 900)::INTEGER AS registration_date, 'web' AS registration_channel,
       printf('P%03d', 1 + i * 31 % {plans}) AS plan_id, 'Active' AS status
FROM range({first}, {end}) AS rows (i)
"""
PLAN_ROWS = """
SELECT printf('P%03d', i) AS plan_id, concat('Plan ', i) AS plan_name, printf('%d.50', 500 + i * 37) AS monthly_price,
       i * 5 AS data_allowance_gb, 100 * i AS voice_minutes, 100 AS sms_allowance,
       CASE WHEN i % 3 = 0 THEN 'Y' ELSE 'N' END AS roaming_enabled, 30 AS validity_days, 'Basic' AS plan_category
FROM range(1, {plans} + 1) AS rows (i)
"""
EVENTS = """
SELECT md5(i::VARCHAR)::UUID AS event_id, printf('C%07d', customer) AS customer_id, kind AS event_type,
       strftime(TIMESTAMP '{day}' + to_microseconds(i * 86400000000 // {events}), '%Y-%m-%dT%H:%M:%SZ')
           AS event_timestamp,
       CASE WHEN i % 3 = 0 THEN 'iOS' ELSE 'Android' END AS device_type,
       printf('102.89.%d.%d', i % 256, 1 + i // 256 % 254) AS ip_address, '5G' AS network_type,
       CASE kind
           WHEN 'plan_changed' THEN json_object('new_plan_id', printf('P%03d', 1 + i // 50 % {plans}),
                                                'old_plan_id', printf('P%03d', 1 + customer * 31 % {plans}))
           WHEN 'data_session' THEN json_object('mb_used', (i * 37 % 400000) / 100)
           WHEN 'call_ended' THEN json_object('call_id', concat('call-', i), 'duration_seconds', 5 + i * 41 % 3600)
           WHEN 'topup' THEN json_object('amount', 100 * (1 + i % 25))
           ELSE '{{}}'::JSON
       END AS payload
FROM (
    SELECT i, i * 7368787 % {customers} AS customer, CASE WHEN i % 50 = 7 THEN 'plan_changed' ELSE
        ['sms_sent', 'login', 'data_session', 'call_ended', 'app_open', 'topup', 'balance_check'][1 + i % 7] END AS kind
    FROM range({first}, {end}) AS rows (i)
)
"""


def write_day(archive: Path, customers: int, events: int, files: int = 10, day: date = DAY) -> None:
    """Writes `archive/<dataset>/<day>/*`: the customers and events in so many files each, and the plans in one.

    All were delivered when the day was over.
    """
    counts = {"customers": customers, "events": events, "plans": PLANS, "day": day}
    with duckdb.connect() as database:
        for dataset, rows, query in (("customers", customers, CUSTOMERS), ("activity_logs", events, EVENTS)):
            folder = archive / dataset / str(day)
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(files):
                part = {"first": rows * number // files, "end": rows * (number + 1) // files}
                name = folder / f"{dataset}_{day:%Y%m%d}_{number:02}.ndjson"
                database.execute(f"COPY ({query.format(**counts, **part)}) TO '{name}' (FORMAT json)")
        folder = archive / "plans" / str(day)
        folder.mkdir(parents=True, exist_ok=True)
        database.execute(f"COPY ({PLAN_ROWS.format(**counts)}) TO '{folder}/plans_{day:%Y%m%d}.csv' (FORMAT csv)")
    delivered = datetime.combine(day + timedelta(1), time(), UTC).timestamp()
    for file in archive.glob(f"*/{day}/*"):
        os.utime(file, (delivered, delivered))


def main() -> None:
    """Writes the archive that the options describe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--day", type=date.fromisoformat, default=DAY)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--files", type=int, default=10)
    given = parser.parse_args()
    write_day(given.out, given.customers, given.events, given.files, given.day)


if __name__ == "__main__":
    main()
