"""The UNLOAD statement of the inventory; only checked names and the month vary."""

from __future__ import annotations

from common.aws.redshift import credentials, identifier, literal
from common.config.redshift import INVENTORY_COLUMNS, INVENTORY_EXTRAS, RedshiftParameters

CASTS = {"host_ip": "VARCHAR(64)", "is_active": "BOOLEAN"}
TEXT = "VARCHAR(1024)"


def unload_statement(redshift: RedshiftParameters, month: str, folder: str) -> str:
    """UNLOAD of the machines in use into Parquet files below `folder`, an s3:// URI, with a verbose manifest.

    With `inventory_month_column`, it selects only machines of the month `YYYY-MM`.
    """
    query = _query(redshift, month)
    return (
        f"UNLOAD ({literal(query)}) TO {literal(folder + '/')} {credentials(redshift)} "
        "FORMAT AS PARQUET MANIFEST VERBOSE"
    )


def _query(redshift: RedshiftParameters, month: str) -> str:
    names = [*INVENTORY_COLUMNS, *(name for name in INVENTORY_EXTRAS if name in redshift.inventory_columns)]
    source = {name: identifier(redshift.inventory_columns.get(name, name)) for name in names}
    columns = ", ".join(f"CAST({source[name]} AS {CASTS.get(name, TEXT)}) AS {identifier(name)}" for name in names)
    conditions = [source["is_active"]]
    if redshift.inventory_month_column:
        conditions.append(f"{identifier(redshift.inventory_month_column)} = {literal(month)}")
    table = f"{identifier(redshift.schema_name)}.{identifier(redshift.inventory_query_table)}"
    return f"SELECT {columns} FROM {table} WHERE {' AND '.join(conditions)}"
