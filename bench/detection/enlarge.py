"""A network of many sites, made of one composed scenario: its pairs and labels, of as many hosts and days.

    python -m bench.detection.enlarge --scenario quiet=LAKE:labels.csv popular=LAKE:labels.csv --sites 15 --out OUT

The lakes are of variants of one scenario, so that they differ in the attacks of their last date alone; the first one
gives all that is no attack. Composing as many hosts anew would take hours; this resamples whole days of hosts:

- A site is all hosts and servers of the scenario, at addresses of its own (the second octet). What a host begins on a
  day, with both sides of it, is what it began on another day, weekend or not. A host goes through these days in an
  order of its own, and comes to the same one again once all have been. The last day is the last date of the scenario or
  the last workday before it, which no other day is.
- A peer outside keeps its address if two hosts met it, or one on two days. An address that one host met once is another
  one of its network. A network that one host met is another one in each site, and on each day if it was met on one; so
  is that of an attacker, unless it is one that several hosts use.
- Each lake gives the last day of its attackers, in `--copies` sites; no site has two of the lakes, if there are enough.

`delta_pair` has the last `--slices` days, `pair_days` all, as in a lake whose older slices have been removed.

What this keeps: the amounts and times of a host, who knows which networks, strangers every day. What it does not: other
amounts than those of the scenario. A day that comes again weeks later teaches nothing new.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from common.features.spec import load_spec
from common.lake.lake import Lake
from common.lake.table_files import TableFiles
from common.windows import WINDOW, WINDOWS_PER_DAY, Windows, floor_to_grid
from jobs.fg_a.history import CODED, WORDS, roll_up

ROWS_PER_FILE = 1_000_000
SATURDAY = 5
TARGET = ":target"
NETWORK = "regexp_extract({0}, '(.*)[.]', 1)"
OCTET = "split_part({0}, '.', 4)::INT"
SHIFTED = "((octet + (hash(network, site, $day) % 254)::INT) % 255)"
INSIDE = "{0} LIKE '10.%'"
DRAWN = "concat_ws('.', 45 + {0} % 135, 1 + ({0} // 135) % 254, ({0} // 34290) % 255)"
MOVED = "concat_ws('.', '10', split_part({0}, '.', 2)::INT + site, split_part({0}, '.', 3), split_part({0}, '.', 4))"

PEERS = f"""
CREATE TABLE peers AS
WITH met AS (SELECT DISTINCT initiator, peer_ip, {NETWORK.format("peer_ip")} AS network, date FROM delta_pair
             WHERE lake = '' AND NOT {INSIDE.format("peer_ip")}),
addresses AS (SELECT network, peer_ip, count(DISTINCT (initiator, date)) AS times FROM met GROUP BY ALL),
networks AS (SELECT network, count(DISTINCT initiator) AS hosts, count(DISTINCT date) AS days FROM met GROUP BY ALL),
used AS (SELECT network, list({OCTET.format("peer_ip")}) AS octets FROM addresses GROUP BY ALL),
every AS (SELECT DISTINCT peer_ip, {NETWORK.format("peer_ip")} AS network FROM delta_pair)
SELECT peer_ip, network, octets, {OCTET.format("peer_ip")} AS octet, CASE
    WHEN {INSIDE.format("peer_ip")} THEN 'inside'
    WHEN hosts > 1 AND times > 1 THEN 'kept'
    WHEN hosts > 1 THEN 'sibling'
    WHEN days = 1 THEN 'fresh'
    ELSE 'own' END AS kind
FROM every LEFT JOIN networks USING (network) LEFT JOIN used USING (network)
    LEFT JOIN addresses USING (network, peer_ip)
"""

ROWS = f"""
SELECT held.* REPLACE (
    {MOVED.format("host_ip")} AS host_ip,
    CASE kind WHEN 'inside' THEN {MOVED.format("peer_ip")} WHEN 'kept' THEN peer_ip
        WHEN 'sibling'
        THEN concat_ws('.', network, CASE WHEN list_contains(octets, {SHIFTED}) THEN octet ELSE {SHIFTED} END)
        ELSE concat_ws('.', {DRAWN.format("hash(network, site, CASE kind WHEN 'fresh' THEN $day ELSE '' END)")}, octet)
    END AS peer_ip,
    {{moments}})
FROM plan JOIN {{table}} AS held USING (initiator, lake, date) JOIN peers USING (peer_ip)
WHERE slot >= $first AND slot < $last
"""
"""All octets of a network are shifted alike, unless to one that is used, so that no two addresses become one."""
MOMENTS = {
    "delta_pair": ("first_ts", "last_ts", "last_end_ts", "window_start_ts", "window_end_ts"),
    "pair_days": ("first_slice_ts", "last_slice_ts"),
}


def rows_of(table: str) -> str:
    """The query for the rows of a day."""
    moments = ", ".join(f"{name} + to_days(later) AS {name}" for name in MOMENTS[table])
    if table == "delta_pair":
        moments += ", strftime(window_start_ts + to_days(later), '%Y%m%dT%H%MZ') AS \"window\""
    return ROWS.format(moments=moments, table=table)


@dataclass(frozen=True)
class Scenario:
    """The lake of a variant, and its labels."""

    lake: Path
    labels: pd.DataFrame

    @classmethod
    def read(cls, lake: str, labels: str) -> Scenario:
        """Those at these places."""
        return cls(Path(lake), pd.read_csv(labels, keep_default_na=False))

    @property
    def attackers(self) -> list[str]:
        """The hosts that begin an attack."""
        names = self.labels["attack"].str.split("+").explode()
        began = names[(names != "") & ~names.str.endswith(TARGET)].index.unique()
        return sorted(set(self.labels.loc[began, "host_ip"]))


@dataclass(frozen=True)
class Days:
    """Which dates of the scenario stand for days before the last one, and which for that."""

    workdays: Sequence[str]
    weekend: Sequence[str]
    held_out: Sequence[str]

    @classmethod
    def of(cls, dates: Iterable[str]) -> Days:
        """Those of all dates, of which the last one and the last workday before it are held out."""
        *before, last = sorted(dates)
        weekend = [day for day in before if date.fromisoformat(day).weekday() >= SATURDAY]
        workdays = [day for day in before if day not in weekend]
        return cls(workdays[:-1], weekend, [workdays[-1], last])

    def of_host(self, days: Sequence[date], is_attacked: bool, rng: np.random.Generator) -> list[str]:
        """The date for each of the days; the last date of the scenario for no host that is attacked there."""
        orders = [rng.permutation(some).tolist() for some in (self.workdays, self.weekend)]
        found, used = [], [0, 0]
        for day in days[:-1]:
            kind = int(day.weekday() >= SATURDAY)
            found.append(orders[kind][used[kind] % len(orders[kind])])
            used[kind] += 1
        return [*found, self.held_out[0] if is_attacked else str(rng.choice(self.held_out))]


def connected(scenarios: Mapping[str, Scenario]) -> duckdb.DuckDBPyConnection:
    """A database of the pairs, with who began them, of the days that they make, and of the kinds of peers.

    `lake` is the scenario of what an attacker began on the last date, and empty otherwise.
    """
    connection = duckdb.connect(config={"memory_limit": "2GB", "threads": 1})
    connection.sql("SET TimeZone = 'UTC'")
    for number, (name, scenario) in enumerate(scenarios.items()):
        slices = DeltaTable(scenario.lake / "delta_pair").to_pyarrow_table()
        dates = sorted(pc.unique(slices["date"]).to_pylist())
        days = pa.concat_tables([days_of(slices, day) for day in (dates[-1:] if number else dates)])
        connection.register("attackers", pd.DataFrame({"attacker": scenario.attackers}))
        for table, rows in (("delta_pair", slices), ("pair_days", days)):
            connection.register("held", rows)
            slot = f"epoch({MOMENTS[table][-2]})::BIGINT // {WINDOW.seconds} % {WINDOWS_PER_DAY}"
            selected = f"""
                SELECT *, {slot} AS slot,
                    CASE WHEN role = 'inbound' AND {INSIDE.format("peer_ip")} THEN peer_ip ELSE host_ip END
                        AS initiator,
                    CASE WHEN date = '{dates[-1]}' AND initiator IN (SELECT attacker FROM attackers)
                        THEN '{name}' ELSE '' END AS lake
                FROM held"""
            into, which = (f"INSERT INTO {table}", "WHERE lake != ''") if number else (f"CREATE TABLE {table} AS", "")
            connection.sql(f"{into} SELECT * FROM ({selected}) {which}")
            connection.unregister("held")
    connection.sql(PEERS)
    return connection


def plans(
    scenarios: Mapping[str, Scenario], days: Sequence[date], choice: Days, sites: int, copies: int
) -> Iterator[pd.DataFrame]:
    """For each of the days a row for each site and initiator: the lake and the date that stand for it, `later` by days.

    `attack` is the scenario whose attacks the site has.
    """
    rng = np.random.default_rng(sites)
    first = next(iter(scenarios.values()))
    hosts, attackers = (
        sorted(first.labels["host_ip"].unique()),
        {name: one.attackers for name, one in scenarios.items()},
    )
    order = rng.permutation(sites).tolist()
    of_site = {order[place % sites]: name for place, name in enumerate([*scenarios] * copies)}
    drawn = {
        (site, host): choice.of_host(days, host in first.attackers, rng) for site in range(sites) for host in hosts
    }
    for number, day in enumerate(days):
        rows = []
        for (site, host), found in drawn.items():
            attack = of_site.get(site) if number == len(days) - 1 else None
            begins = attack is not None and host in attackers[attack]
            source = choice.held_out[-1] if begins else found[number]
            later = (day - date.fromisoformat(source)).days
            rows.append((site, host, attack if begins else "", source, later, attack))
        yield pd.DataFrame(rows, columns=["site", "initiator", "lake", "date", "later", "attack"])


def days_of(slices: pa.Table, day: str) -> pa.Table:
    """The rows of `pair_days` of a date, as `ndr-fg-a` makes them."""
    some = slices.filter(pc.equal(slices["date"], day))
    for name in (*CODED, *WORDS):
        some = some.set_column(some.schema.get_field_index(name), name, some[name].dictionary_encode())
    rows = roll_up([some], windows_of(date.fromisoformat(day)))
    return rows.append_column("date", pa.array([day] * len(rows)))


def write_day(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    day: date,
    plan: pd.DataFrame,
    tables: Iterable[str],
    rows_per_file: int = ROWS_PER_FILE,
) -> int:
    """Writes these tables of a day, each file with all hosts in some of its windows; how many rows there are."""
    connection.register("plan", plan)
    found = 0
    for name in tables:
        count = f"SELECT count(*) FROM plan JOIN {name} USING (initiator, lake, date)"
        ((rows,),) = connection.sql(count).fetchall()
        step = max(1, WINDOWS_PER_DAY * rows_per_file // rows) if name == "delta_pair" else WINDOWS_PER_DAY
        files = TableFiles(lake.location(name), lake.table(name))
        types = {field.name: field.type for field in lake.table(name).arrow}
        partition = {"date": f"{day}", "source_digest": "0"}
        for first in range(0, WINDOWS_PER_DAY, step):
            given = {"day": f"{day}", "first": first, "last": first + step}
            table = connection.sql(rows_of(name), params=given).to_arrow_table()
            columns = [table[column].cast(types[column]) for column in files.names]
            part = {column: partition[column] for column in lake.table(name).partitions}
            files.write(pa.Table.from_arrays(columns, names=files.names), part)
        lake.replace_files(name, files.actions, windows_of(day) if name == "delta_pair" else {"date": f"{day}"})
        found += files.rows
    return found


def windows_of(day: date) -> Windows:
    """The windows that start on a date."""
    first = floor_to_grid(datetime.combine(day, time(), UTC)) + WINDOW
    return Windows(first, first + WINDOWS_PER_DAY * WINDOW)


def labels_of(plan: pd.DataFrame, scenarios: Mapping[str, Scenario]) -> pd.DataFrame:
    """The labels of the last day: host, window and attack, `ATTACK:target` where hosts were its targets alone."""
    every = pd.concat([one.labels.assign(lake=name) for name, one in scenarios.items()])
    every["date"] = every["window_start"].str[:10]
    first = next(iter(scenarios))
    own = (
        plan.drop(columns="attack")
        .assign(lake=plan["lake"].replace("", first))
        .rename(columns={"initiator": "host_ip"})
    )
    found = own.merge(every, on=["host_ip", "lake", "date"])
    sites = plan.loc[plan["attack"].notna(), ["site", "attack"]].drop_duplicates().rename(columns={"attack": "lake"})
    targets = sites.merge(every[every["attack"].str.endswith(TARGET)], on="lake").assign(later=0)
    found = pd.concat([part[["site", "host_ip", "window_start", "later", "attack"]] for part in (found, targets)])
    octets = found["host_ip"].str.split(".", expand=True)
    found["host_ip"] = "10." + (octets[1].astype(int) + found["site"]).astype(str) + "." + octets[2] + "." + octets[3]
    moments = pd.to_datetime(found["window_start"]) + pd.to_timedelta(found["later"], unit="D")
    found["window_start"] = moments.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    of_last = found["window_start"].str[:10] == moments.max().strftime("%Y-%m-%d")
    found = found[of_last].assign(known=found["attack"] != "").sort_values("known", ascending=False, kind="stable")
    found = found.drop_duplicates(["host_ip", "window_start"]).sort_values(["window_start", "host_ip"])
    return found[["host_ip", "window_start", "attack"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", required=True, nargs="+", metavar="NAME=LAKE:LABELS")
    parser.add_argument("--sites", required=True, type=int, help="sites, each with the hosts of the scenario")
    parser.add_argument("--days", type=int, default=30, help="days, the last of which has the attacks")
    parser.add_argument("--slices", type=int, default=6, help="last days, of which there is delta_pair, too")
    parser.add_argument("--copies", type=int, default=2, help="sites that have the attacks of each scenario")
    parser.add_argument("--out", required=True, type=Path, help="folder of the lake and labels.csv; replaced")
    given = parser.parse_args()
    named = (entry.split("=", 1) for entry in given.scenario)
    scenarios = {name: Scenario.read(*place.rsplit(":", 1)) for name, place in named}
    connection = connected(scenarios)
    choice = Days.of(day for (day,) in connection.sql("SELECT DISTINCT date FROM delta_pair").fetchall())
    last = date.fromisoformat(choice.held_out[-1])
    days = [last - timedelta(days=age) for age in reversed(range(given.days))]
    shutil.rmtree(given.out, ignore_errors=True)
    (given.out / "lake").mkdir(parents=True)
    shutil.copy(next(iter(scenarios.values())).lake / "_lake.json", given.out / "lake")
    lake = Lake(str(given.out / "lake"), load_spec("v1"))
    for day, plan in zip(days, plans(scenarios, days, choice, given.sites, given.copies), strict=True):
        is_late = (last - day).days < given.slices
        rows = write_day(connection, lake, day, plan, MOMENTS if is_late else ["pair_days"])
        print(f"{day}: {rows:,} rows, {len(plan)} hosts", flush=True)
    labels_of(plan, scenarios).to_csv(given.out / "labels.csv", index=False)


if __name__ == "__main__":
    main()
