"""Simulates, deploys, and runs day by day; then asks the warehouse."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import click

from common.errors import StageError
from common.runtime.environment import variables
from common.runtime.programs import scripts_folder
from tools.c360_demo.zones import DeployedZones

TABLES = ("dim_customer", "dim_plan", "fact_activity", "fact_activity_unresolved", "customer_360")
ALL_ROWS = " UNION ALL BY NAME ".join(f"SELECT '{table}' AS in_table, * FROM {table}" for table in TABLES)
WIDEST = "SELECT customer_id FROM dim_customer GROUP BY customer_id ORDER BY COUNT(*) DESC, customer_id LIMIT 1"
HISTORY = "SELECT valid_from, valid_to, plan_id, status FROM dim_customer WHERE customer_id = '{}' ORDER BY valid_from"
ROW = "SELECT * FROM customer_360 WHERE customer_id = '{}'"

Say = Callable[[str], None]


def run(home: Path, days: int, customers: int, port: int | None, say: Say = click.echo) -> None:
    """Runs the days, and says what there is then; the local AWS is stopped at the end.

    Raises:
        StageError: a command or an execution failed.
    """
    scenario, warehouse = home / f"scenario-{days}-{customers}", home / f"warehouse-{days}-{customers}"
    if not scenario.exists():
        sizes = ("--days", str(days), "--customers", str(customers))
        command("c360-simulate", "--out", str(scenario), *sizes)
    before = digest(warehouse) if warehouse.exists() else None
    environment = start(home / "aws", port)
    try:
        with variables(environment):
            outputs = home / "outputs.json"
            paused = "Customer360ScheduleState=DISABLED"  # each day is started here
            command("ndr-statemachines", "deploy", "--customer-360", "--set", paused, "--outputs", str(outputs))
            zones = DeployedZones(json.loads(outputs.read_text(encoding="utf-8")))
            is_loaded = [run_day(zones, folder, warehouse, say) for folder in sorted(scenario.glob("day=*"))]
            say_refused(zones, say)
    finally:
        command("ndr-local", "down", "--home", str(home / "aws"))
    if not is_loaded[-1]:
        raise StageError("the last snapshot was not loaded", "See load_log with c360-warehouse query")
    say_customer(warehouse, say)
    if before is not None:
        say("nothing changed in the warehouse" if digest(warehouse) == before else "the warehouse has changed")


def run_day(zones: DeployedZones, folder: Path, warehouse: Path, say: Say) -> bool:
    """Delivers the files of a day, and runs the machine for it, after the earlier days that some files are of.

    A snapshot is of one day: what came late for customers or plans of an earlier one is in a snapshot of that day.
    What a check of the warehouse refuses is said: files of later days may put it right.

    Returns:
        Whether the last snapshot was loaded.
    """
    day = date.fromisoformat(folder.name.partition("=")[2])
    uploaded = zones.deliver(folder / "raw")
    for each in sorted({*(late for late in uploaded if late and late < day), day}):
        manifest = zones.run_scheduled(each)
        refused = load(zones, warehouse)
        rows = ", ".join(f"{name} {table['rows']:,}" for name, table in sorted(manifest["tables"].items()))
        again = "" if each == day else f" again, for files that came on {day}"
        say(f"{each}{again}: published, snapshot {manifest['run_id']} of {rows}")
        if refused:
            say(f"  the warehouse refuses it, and stays as it was: {refused}")
    return not refused


def load(zones: DeployedZones, warehouse: Path) -> str:
    """Loads the published snapshot; the reason if a check of the warehouse has refused it, else an empty text.

    Raises:
        StageError: the load failed otherwise.
    """
    try:
        command("c360-warehouse", "run", "--staging", f"s3://{zones.bucket}/staging", "--database", str(warehouse))
    except StageError as error:
        if "see load_log" not in str(error):
            raise
        return str(error).partition("error: ")[2].partition(". The warehouse")[0]
    return ""


def say_refused(zones: DeployedZones, say: Say) -> None:
    """Says which files and rows were refused, and why."""
    say("\nfiles refused:")
    for reason in zones.refused_files():
        say(f"  {reason['file']}: {reason['reason']}")
    counts = Counter((row["column"], row["reason"]) for row in zones.refused_rows())
    say("rows refused:")
    for (column, reason), number in sorted(counts.items(), key=lambda entry: (-entry[1], str(entry[0]))):
        say(f"  {number} x {reason}" + (f" in {column}" if column else ""))


def say_customer(warehouse: Path, say: Say) -> None:
    """Says the history and the row of the customer with the most versions."""
    customer = query(warehouse, WIDEST)[0]["customer_id"]
    say(f"\nhistory of {customer}:")
    for version in query(warehouse, HISTORY.format(customer)):
        say("  " + ", ".join(f"{name} {shown(value)}" for name, value in version.items()))
    say(f"customer_360 of {customer}:")
    for name, value in query(warehouse, ROW.format(customer))[0].items():
        say(f"  {name}: {shown(value)}")
    say(f"\nask for more: c360-warehouse query --database {warehouse} 'SELECT * FROM customer_360 LIMIT 5'")


def shown(value: object) -> object:
    """The value as a line shows it: a dash where there is none."""
    return "-" if value is None else value


def digest(warehouse: Path) -> str:
    """A hash of the rows of all tables, in whatever order they are."""
    rows = sorted(json.dumps(row, sort_keys=True) for row in query(warehouse, ALL_ROWS))
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def query(warehouse: Path, sql: str) -> list[dict[str, object]]:
    """The rows of a query, with names in lower case."""
    rows = json.loads(command("c360-warehouse", "query", "--database", str(warehouse), "--json", sql))
    return [{name.lower(): value for name, value in row.items()} for row in rows]


def start(home: Path, port: int | None) -> dict[str, str]:
    """Starts the local AWS of the folder unless it runs; returns the variables that lead to it."""
    given = [] if port is None else ["--port", str(port)]
    command("ndr-local", "up", "--home", str(home), "--no-deploy", *given)
    exports = command("ndr-local", "env", "--home", str(home)).splitlines()
    return dict(shlex.split(line)[1].split("=", 1) for line in exports)


def command(name: str, *arguments: str) -> str:
    """What a command of this project prints.

    Raises:
        StageError: it failed.
    """
    done = subprocess.run(
        [str(scripts_folder() / name), *arguments], env=os.environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise StageError(f"{name} {arguments[0]} failed: {lines[-1]}", "Correct the cause, then run the demo again")
    return done.stdout
