"""Puts attacks into a copy of a window, scores it as the stages do, and says where they come out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.addresses import plain_address
from common.contracts.session import SESSION_COLUMNS
from common.detection.alerts.alerting import read_alerts
from common.detection.alerts.cases import scored_windows
from common.detection.parameters import current_parameters
from common.errors import InputError, StageError
from common.features.spec import load_spec
from common.lake.canary import CanaryResult, write_result
from common.lake.lake import Lake
from common.lake.learning import day_of_project
from common.lake.orphans import clear_up
from common.runtime.context import StageConfig, StageRun
from common.runtime.engine import Engine
from common.runtime.lake_project import LakeProject
from common.runtime.output import activity
from common.runtime.run_report import RunReport
from common.storage.failures import require_writable
from common.storage.scratch import scratch_folder
from common.windows import WINDOW, Windows, iso, iso_seconds
from jobs.canary.config import CanaryConfig
from jobs.canary.copying import add_rows, copy_files, copy_model, copy_rows
from jobs.canary.hosts import chosen_hosts, dark_addresses, outbound_sessions
from jobs.canary.table import as_table
from jobs.canary.traffic import ATTACKS, FEWEST_TARGETS, TARGETS, Attack, beacon, scan, upload, with_attacks
from jobs.canary.verdicts import judged
from jobs.delta.config import DeltaConfig
from jobs.delta.job import run as run_delta
from jobs.fg_a.job import run as run_fg_a
from jobs.fg_c.config import DeviationConfig
from jobs.fg_c.job import run as run_fg_c
from jobs.inference.config import InferenceConfig
from jobs.inference.job import run as run_inference
from jobs.pair_counts.job import run as run_pair_counts

COMMAND = "ndr-canary"
ENGINE = "sail"
"""The stages of a window start no engine."""
READ = [column.name for column in SESSION_COLUMNS]


def run(config: CanaryConfig) -> RunReport:
    """Prints where the attacks come out, and keeps the result beside the tables of the lake.

    Before anything is scored, it says so and succeeds.

    Raises:
        InputError: the window is not scored, has too few hosts, or its sessions are gone.
        StageError: an attack did not come to the top.
    """
    project = config.lake_project
    lake = Lake.opened(config.lake_uri, load_spec(project.feature_spec_version))
    report = RunReport(
        COMMAND,
        project_name=project.name,
        feature_spec_version=project.feature_spec_version,
        parameters=project.parameters,
        mini_batch_id=config.mini_batch_id,
    )
    scored = scored_windows(lake) if lake.exists("predictions") else None
    if scored is None:
        report.learns({"model": f"{day_of_project(lake, project.settings)}: nothing is scored yet"})
        report.show()
        return report
    require_writable(config.lake_uri)
    clear_up(lake)
    window = config.windows or Windows(scored.end - WINDOW, scored.end)
    report.window = str(window)
    with activity("", COMMAND), scratch_folder(lake.uri) as folder:
        result = Proof(lake, project, window, folder, report).result(config.top)
    write_result(lake.uri, result)
    report.details |= {name: value for name, value in asdict(result).items() if name not in ("ran", "window")}
    if config.as_json:
        report.show()
    else:
        click.echo(as_table(result))
    if result.missed:
        names = ", ".join(
            f"{attack['attack']} of {attack['host']} at rank {attack['rank']}" for attack in result.missed
        )
        raise StageError(
            f"{len(result.missed)} of {len(result.attacks)} attacks are not among the first {result.top} hosts of "
            f"{window}: {names}",
            f"Look at model {result.model_id} (ndr-models list), its drift (ndr-page) and what is odd but learnt; "
            "ndr-models rollback takes the model before it",
        )
    return report


class Proof:
    """Two lakes in a folder: the slices of the hosts with attacks alone, and a copy of the lake that has them."""

    def __init__(self, lake: Lake, project: LakeProject, window: Windows, folder: Path, report: RunReport) -> None:
        self._lake, self._window, self._folder, self._report = lake, window, folder, report
        # names of people play no part, and need keys that this run may not have
        self._project = replace(project, settings=project.settings.model_copy(update={"pseudonyms": None}))
        self._history = window.extended(current_parameters().pairs.memory_windows - 1)
        self._slices, self.copy = (
            Lake(str(folder / name), lake.spec, None, project.identity) for name in ("slices", "copy")
        )

    def result(self, top: int) -> CanaryResult:
        """Where the attacks come out."""
        lake, window, report = self._lake, self._window, self._report
        with report.step("attacks"):
            attacks = self.attacks()
            self.slice(attacks)
        with report.step("copy"):
            model = copy_model(lake.uri, self.copy.uri, self._project.name)
            self.make_copy(attacks)
        with report.step("score"):
            self.score()
        ranked = read_alerts(self.copy, lake.spec, window, 0.0)
        known = {*outbound_sessions(lake, self._history), *self._present()}
        before = read_alerts(lake, lake.spec, window, 0.0)
        found = judged(attacks, [alert for alert in ranked if alert.host_ip in known], before, top)
        return CanaryResult(iso_seconds(datetime.now(UTC)), iso(window.start), model, top, found)

    def _present(self) -> list[str]:
        hosts: list[str] = self._lake.arrow("delta_host", ["host_ip"], self._window)["host_ip"].to_pylist()
        return hosts

    def attacks(self) -> list[Attack]:
        """The attacks, each of another host.

        Raises:
            InputError: there are too few hosts, or addresses that nobody has.
        """
        lake, window, cidrs = self._lake, self._window, self._project.settings.internal_cidrs
        one, other, third = chosen_hosts(lake, window, self._history, len(ATTACKS))
        known = lake.arrow("delta_host", ["host_ip"], self._history, coded=["host_ip"])["host_ip"].cast(pa.string())
        targets = dark_addresses(other, {plain_address(host) for host in known.unique().to_pylist()}, cidrs, TARGETS)
        if len(targets) < FEWEST_TARGETS:
            raise InputError(
                f"around host {other} only {len(targets)} internal addresses are unused, and {FEWEST_TARGETS} are "
                "needed for a scan",
                "Give another --window, in which other hosts are chosen",
            )
        return [beacon(one, self._history), scan(other, window, targets), upload(third, window)]

    def slice(self, attacks: Sequence[Attack]) -> None:
        """Makes the slices of what the hosts did and of the attacks, in a lake of their own.

        Raises:
            InputError: the lake does not have all sessions of the hosts any more.
        """
        real = self._sessions([attack.host for attack in attacks])
        likes = {attack.host: _last_of(real, plain_address(attack.host)) for attack in attacks}
        logs = self._folder / "sessions.parquet"
        pq.write_table(with_attacks(real, attacks, likes), logs)
        given = {"inputs": (str(logs),), "log_format": "parquet", "log_time_zone": None, "max_rejected_ratio": None}
        self._run(run_delta, self._config(DeltaConfig, self._slices, self._history, **given), self._slices)

    def _sessions(self, hosts: Sequence[str]) -> pa.Table:
        """What the hosts began.

        Raises:
            InputError: the lake does not have all of it any more.
        """
        lake, history, addresses = self._lake, self._history, [plain_address(host) for host in hosts]
        rows = lake.arrow("sessions", READ, history, equal={"src_ip": addresses})
        logged = rows.filter(pc.equal(rows["event_type"], "TRAFFIC")).group_by("src_ip")
        counts = logged.aggregate([("repeat_count", "sum")])
        held = dict(zip(counts["src_ip"].to_pylist(), counts["repeat_count_sum"].to_pylist(), strict=True))
        began = outbound_sessions(lake, history)
        for host, address in zip(hosts, addresses, strict=True):
            if held.get(address, 0) < began[host]:
                raise InputError(
                    f"table sessions in {lake.uri} has {held.get(address, 0):,} of the {began[host]:,} sessions that "
                    f"{host} began in {history}",
                    "Give a later --window: older sessions leave the lake (sessions_retention_days)",
                )
        return rows

    def make_copy(self, attacks: Sequence[Attack]) -> None:
        """Copies the lake, with the slices of what the hosts with attacks began in place of the real ones.

        Of other hosts, only those are new that nobody knows: the targets of the scan.
        """
        lake, history, hosts = self._lake, self._history, [attack.host for attack in attacks]
        copy_files(lake, self.copy, self._window, history)
        known = lake.arrow("delta_host", ["host_ip"], history, coded=["host_ip"])["host_ip"].cast(pa.string()).unique()
        peers = sorted({special["dst_ip"] for attack in attacks for special in attack.sessions})
        slices = self._slices.arrow("delta_host", windows=history)
        new = slices.filter(pc.or_(_began(slices, hosts), pc.invert(pc.is_in(slices["host_ip"], known))))

        def changed(rows: pa.Table) -> pa.Table:
            inside = pc.is_in(new["window"], rows["window"].unique())
            return pa.concat_tables([rows.filter(pc.invert(_began(rows, hosts))), new.filter(inside)])

        copy_rows(lake, self.copy, "delta_host", history, changed)
        pairs = self._slices.arrow("delta_pair", windows=history)
        of_peers = pc.is_in(pairs["peer_ip"].cast(pa.string()), pa.array(peers, pa.string()))
        added = pc.or_(pc.and_(_began(pairs, hosts), of_peers), pc.invert(pc.is_in(pairs["host_ip"], known)))
        add_rows(self.copy, "delta_pair", pairs.filter(added), history)

    def score(self) -> None:
        """Makes the features of the window in the copy, and scores them."""
        windows, copy = self._window, self.copy
        self._run(run_fg_a, self._config(StageConfig, copy, windows), copy)
        self._run(run_pair_counts, self._config(StageConfig, copy, windows), copy)
        self._run(run_fg_c, self._config(DeviationConfig, copy, windows), copy)
        self._run(run_inference, self._config(InferenceConfig, copy, windows), copy)

    def _config(self, kind: type[Any], lake: Lake, windows: Windows, **own: Any) -> Any:
        return kind(windows, lake.uri, ENGINE, None, self._project, **own)

    def _run(self, work: Callable[[Any, StageRun], None], config: StageConfig, lake: Lake) -> None:
        quiet = RunReport(COMMAND, run_id=self._report.run_id)
        with Engine(ENGINE) as engine:
            work(config, StageRun(lake.spec, self._project.settings, lake, engine, quiet))


def _began(rows: pa.Table, hosts: Sequence[str]) -> pa.ChunkedArray:
    """Whether rows are of what these hosts began."""
    return pc.and_(pc.is_in(rows["host_ip"], pa.array(hosts, pa.string())), pc.equal(rows["role"], "outbound"))


def _last_of(sessions: pa.Table, address: str) -> dict[str, Any]:
    """The session of an address that ended last; of several, the one that stands last."""
    rows = sessions.filter(pc.and_(pc.equal(sessions["src_ip"], address), pc.equal(sessions["event_type"], "TRAFFIC")))
    found: dict[str, Any] = rows.sort_by("end_ts").slice(len(rows) - 1).to_pylist()[0]
    return found
