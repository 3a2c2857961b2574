"""The reference of Customer 360: the tables of the clean zone and of a snapshot of one day in hand-written DuckDB SQL.

    python -m bench.c360_reference --archive FOLDER --day D --out FOLDER

It reads the same files, makes the same casts of all usual spellings, normalises e-mail addresses, Nigerian phone
numbers, country and currency, and writes the same tables as Parquet with the same compression. It leaves out what SQL
does not do, or not fast:

- `source_line` and `row_hash`: rows of one key that are of one file are ordered by their values;
- rejects: a value that is none ends it, and missing keys are not looked for;
- the check of each line (UTF-8, depth, length, values with one name), the count of what is not normalised and of
  unknown columns, other spellings than those below, numbers of other countries, networks of customers;
- the payload as it is written: DuckDB writes it anew;
- history of several days: it is as of the first day of an archive, so that no customer can be missing from a snapshot;
- hashes of files, manifests, and files of limited size.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import duckdb

from common.c360.datasets import ACTIVITY_LOGS, DATASETS, PLANS, STAGING, Dataset
from jobs.c360_clean.transform import PAYLOAD

NOT_MADE = ("source_line", "row_hash")
"""Columns of the clean zone that the reference does not make."""

DATE_FORMATS = ["%Y-%m-%d", "%d/%m/%Y", "%Y/%m/%d", "%d.%m.%Y", "%Y%m%d", "%d %b %Y"]
SQL_TYPES = {"string": "VARCHAR", "long": "BIGINT", "double": "DOUBLE", "decimal(12,2)": "DECIMAL(12, 2)"}
LOWER = ("gender", "registration_channel", "status", "event_type")

SETTINGS = """
SET TimeZone = 'UTC';
SET preserve_insertion_order = false;
CREATE MACRO bare(value) AS nullif(trim(value), '');
CREATE MACRO as_email(value) AS CASE
    WHEN regexp_matches(value, '^[^@\\s,;<>()"]+@[^@\\s,;<>()".]+(\\.[^@\\s,;<>()".]+)+$') THEN value END;
CREATE MACRO as_country(value) AS CASE lower(value) WHEN 'nigeria' THEN 'NG' WHEN 'ghana' THEN 'GH' ELSE
    CASE WHEN regexp_matches(value, '^[A-Za-z]{2}$') THEN upper(value) END END;
CREATE MACRO as_digits(value) AS regexp_replace(value, '[\\s().\\-/]+', '', 'g');
CREATE MACRO as_phone(digits) AS CASE WHEN regexp_matches(digits, '^(0|\\+234)[789][01]\\d{8}$')
    THEN concat('+234', right(digits, 10)) END;
CREATE MACRO as_currency(value) AS CASE WHEN contains(value, '₦') THEN 'NGN'
    ELSE nullif(upper(regexp_extract(value, '(?:^|[^A-Za-z])([A-Za-z]{3})(?:$|[^A-Za-z])', 1)), '') END;
CREATE MACRO as_yes(value) AS CASE WHEN lower(value) IN ('y', 'yes', 'true', '1') THEN true
    WHEN lower(value) IN ('n', 'no', 'false', '0') THEN false END;
"""

HISTORY = """
CREATE TEMP TABLE history AS
WITH said AS (
    SELECT customer_id, business_date::TIMESTAMP AT TIME ZONE 'UTC' AS moment, 'snapshot' AS source, plan_id,
           NULL AS old_plan_id, registration_date::TIMESTAMP AT TIME ZONE 'UTC' AS registered, NULL AS file_time
    FROM customers
    UNION ALL
    SELECT customer_id, event_timestamp, 'event', new_plan_id, old_plan_id, NULL, file_time
    FROM activity_logs WHERE event_type = 'plan_changed' AND new_plan_id IS NOT NULL
), ordered AS (
    SELECT *, row_number() OVER moments AS number, first_value(registered IGNORE NULLS) OVER customer AS registration
    FROM said
    WINDOW moments AS (PARTITION BY customer_id ORDER BY moment, source DESC, file_time),
           customer AS (PARTITION BY customer_id ORDER BY moment, source DESC
                        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
), observed AS (
    SELECT customer_id, moment, source, plan_id, old_plan_id, number FROM ordered
    UNION ALL
    SELECT customer_id, registration, 'registration',
           CASE source WHEN 'event' THEN old_plan_id ELSE plan_id END, NULL, 0
    FROM ordered WHERE number = 1 AND registration < moment
), judged AS (
    SELECT *, lead(moment) OVER before AS following,
           coalesce(source = 'event' AND row_number() OVER before > 1 AND old_plan_id IS NOT NULL
                    AND old_plan_id IS DISTINCT FROM lag(plan_id) OVER before, false) AS is_conflict
    FROM observed
    WINDOW before AS (PARTITION BY customer_id ORDER BY number)
), started AS (
    SELECT * FROM judged WHERE following IS NULL OR following > moment
    WINDOW before AS (PARTITION BY customer_id ORDER BY number)
    QUALIFY row_number() OVER before = 1 OR plan_id IS DISTINCT FROM lag(plan_id) OVER before
)
SELECT customer_id, plan_id, moment AS valid_from, lead(moment) OVER later AS valid_to, source, is_conflict,
       row_number() OVER later = 1 AS is_first
FROM started
WINDOW later AS (PARTITION BY customer_id ORDER BY number)
"""

WITH_PLANS = """
SELECT {columns} FROM activity_logs AS logs LEFT JOIN history
    ON logs.customer_id = history.customer_id AND (is_first OR event_timestamp >= valid_from)
        AND (valid_to IS NULL OR event_timestamp < valid_to)
"""


def clean(dataset: Dataset, archive: Path, day: date) -> str:
    """The rows of a dataset's day, typed."""
    pattern = f"{archive}/{dataset.name}/{day}/*"
    written = [column.name for column in dataset.columns if not (dataset is ACTIVITY_LOGS and column.name in PAYLOAD)]
    types = "{" + ", ".join(f"{name}: 'VARCHAR'" for name in written) + "}"
    read = (
        f"read_json('{pattern}', format = 'newline_delimited', columns = {types}, filename = true)"
        if dataset.format == "ndjson"
        else f"read_csv('{pattern}', all_varchar = true, filename = true, union_by_name = true)"
    )
    texts = [f"bare({name}) AS {name}" for name in written if dataset is not PLANS or name != "currency"]
    texts += ["NULL AS currency"] if dataset is PLANS else []
    fields = "*"
    if dataset is ACTIVITY_LOGS:
        names = list(dict.fromkeys(name for group in PAYLOAD.values() for name in group))
        places = {name: f"bare(found[{place}])" for place, name in enumerate(names, 1)}
        paths = [f"$.{name}" for name in names]
        found = [
            f"coalesce({', '.join(places[name] for name in group)}) AS {column}" for column, group in PAYLOAD.items()
        ]
        fields = f"* EXCLUDE (found), {', '.join(found)}"
        texts.append(f"CASE WHEN payload <> '{{}}' THEN json_extract_string(payload, {paths}) END AS found")
    values = ", ".join(f"{_value(column.name, column.type)} AS {column.name}" for column in dataset.columns)
    return f"""
        SELECT {values}, right(filename, -{len(f"{archive}/{dataset.name}/")}) AS source_file, file_time
        FROM (SELECT {fields} FROM (SELECT {", ".join(texts)}, filename FROM {read})) AS rows
        JOIN (SELECT filename, last_modified AS file_time FROM read_blob('{pattern}')) AS files USING (filename)
    """


def _value(name: str, kind: str) -> str:
    """The value of a trimmed text."""
    match name, kind:
        case "email", _:
            return "as_email(lower(email))"
        case "phone", _:
            return "CASE WHEN as_country(country) = 'NG' THEN as_phone(as_digits(phone)) END"
        case "country", _:
            return "as_country(country)"
        case "currency", _:
            return "as_currency(coalesce(currency, monthly_price))"
        case _, "date":
            return f"coalesce(TRY_CAST({name} AS DATE), strptime({name}, {DATE_FORMATS})::DATE)"
        case _, "timestamp":
            return f"{name}::TIMESTAMPTZ"
        case _, "boolean":
            return f"as_yes({name})"
        case _, "string":
            return f"lower({name})" if name in LOWER else name
    return f"{name}::{SQL_TYPES[kind]}"


def _last(dataset: Dataset, out: Path) -> str:
    """The last row of each key, with its business date."""
    order = ", ".join(f"{column} DESC" for column in ("business_date", "file_time", "source_file", "rows"))
    return f"""
        SELECT *, left(source_file, 10)::DATE AS business_date FROM '{out}/clean/{dataset.name}.parquet' AS rows
        QUALIFY row_number() OVER (PARTITION BY {dataset.key} ORDER BY {order}) = 1
    """


def statements(archive: Path, day: date, out: Path) -> Iterable[str]:
    """The statements that write `clean/<dataset>.parquet` and `staging/<table>.parquet`, in their order."""
    yield SETTINGS
    for name, dataset in DATASETS.items():
        yield f"COPY ({clean(dataset, archive, day)}) TO '{out}/clean/{name}.parquet' (FORMAT parquet)"
    for name, dataset in DATASETS.items():
        yield f"CREATE TEMP TABLE {name} AS {_last(dataset, out)}"
    yield HISTORY
    events = WITH_PLANS.format(
        columns=", ".join(
            f"{'history' if column.name == 'plan_id' else 'logs'}.{column.name}" for column in STAGING["activity_logs"]
        )
    )
    queries = {"customers": "FROM customers", "plans": "FROM plans", "plan_history": "FROM history"}
    for name, query in (queries | {"activity_logs": f"FROM ({events})"}).items():
        columns = ", ".join(column.name for column in STAGING[name])
        options = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
        yield f"COPY (SELECT {columns} {query}) TO '{out}/staging/{name}.parquet' ({options})"


def main() -> None:
    """Writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--day", type=date.fromisoformat, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    for zone in ("clean", "staging"):
        (given.out / zone).mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as database:
        database.execute(f"SET temp_directory = '{given.out}/spilled'")
        for statement in statements(given.archive, given.day, given.out):
            database.execute(statement)


if __name__ == "__main__":
    main()
