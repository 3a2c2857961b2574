"""Simulates day by day, and writes mini-batches, labels and the description of the scenario."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.errors import InputError
from common.storage import places
from common.storage.batches import EVENT_FILE, event_content
from common.windows import GRID_OFFSET_SECONDS, WINDOW_SECONDS
from tools.simulate.attacks import ATTACKS, Incident, attack_day
from tools.simulate.batches import batch_path, compress, day_windows
from tools.simulate.config import SimulateConfig
from tools.simulate.labels import LABEL_COLUMNS, count_labels
from tools.simulate.machines import device_day, server_day
from tools.simulate.network import INTERNAL_CIDR, Network, make_network, works
from tools.simulate.people import Day, person_day
from tools.simulate.places import make_firewall
from tools.simulate.plans import Records
from tools.simulate.sessions import draw_sessions

HOST_STREAM, SERVER_STREAM, SESSION_STREAM, LINE_STREAM = 51, 52, 53, 54
BATCH_FILE, DESCRIPTION = "part-00000.csv.gz", "scenario.json"
EVENT_AFTER = timedelta(seconds=WINDOW_SECONDS + 5)
"""When the event of a mini-batch is, after the start of its window."""

TIME = "%Y-%m-%dT%H:%M:%SZ"
Progress = Callable[[int], None]  # days done


@dataclass(frozen=True)
class DayResult:
    """The results of one day: labels, mini-batches and counts."""

    labels: pd.DataFrame
    batches: list[dict[str, Any]]
    counts: Counter[str]
    malicious: Counter[str]


def run(config: SimulateConfig, progress: Progress = lambda _: None) -> dict[str, Any]:
    """Writes the scenario atomically; returns its counts.

    Raises:
        InputError: the output folder is not empty, and `overwrite` is off or the folder is not a scenario.
    """
    out = config.out.absolute()
    _require_free(out, config)
    out.parent.mkdir(parents=True, exist_ok=True)
    places.remove_dead_places(out.parent)
    with places.place(out.parent) as folder:
        scratch = folder / "scenario"
        scratch.mkdir()
        results = []
        for number, result in enumerate(_days(config, scratch), start=1):
            results.append(result)
            progress(number)
        counts = _describe(config, scratch, results)
        if out.exists():
            out.rename(folder / "replaced")
        scratch.rename(out)
    return counts


def simulate_day(config: SimulateConfig, number: int, network: Network) -> Records:
    """The sessions of one day including attacks, in order of their end."""
    date = config.start + timedelta(days=number)
    weekday, seed = date.weekday(), config.seed
    day = Day(number, config.days, weekday, network.internet.addresses_on(number), config.intensity)
    parts: list[Records] = []
    people = 0
    for place, host in enumerate(network.hosts):
        rng = np.random.default_rng([seed, HOST_STREAM, place, number])
        if host.kind == "person":
            parts += person_day(host, people, network, day, works(seed, people, number, weekday), rng)
            people += 1
        else:
            parts += device_day(host, network, day, rng)
    parts += server_day(network, day, np.random.default_rng([seed, SERVER_STREAM, number]))
    parts += [incident.plans for incident in _incidents(config, network, number)]
    midnight = int(datetime(date.year, date.month, date.day, tzinfo=UTC).timestamp())
    return draw_sessions(np.concatenate(parts), midnight, np.random.default_rng([seed, SESSION_STREAM, number]))


def _require_free(out: Path, config: SimulateConfig) -> None:
    """Checks that the output folder is missing, empty, or an earlier scenario to overwrite."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not config.overwrite:
        raise InputError(f"{config.out} exists and is not empty", "Give another folder, or --overwrite")
    if not (out / DESCRIPTION).is_file():
        raise InputError(f"{config.out} is not a simulated scenario and is not overwritten", "Give another folder")


def _days(config: SimulateConfig, scratch: Path) -> Iterator[DayResult]:
    numbers = range(config.days)
    workers = min(config.workers, config.days)
    if workers == 1:
        yield from (_write_day(config, scratch, number) for number in numbers)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(_write_day, [config] * config.days, [scratch] * config.days, numbers)
        except BaseException:  # an interruption does not wait for the days that are being simulated
            for worker in active_children():
                worker.kill()
            raise


def _write_day(config: SimulateConfig, scratch: Path, number: int) -> DayResult:
    network = make_network(config.seed, config.hosts)
    sessions = simulate_day(config, number, network)
    rng = np.random.default_rng([config.seed, LINE_STREAM, number])
    firewall = make_firewall(network, config.panos_version)
    counts = Counter(malicious_rows=int((sessions["attack"] > 0).sum()))
    batches = []
    for window, content, sorts in day_windows(sessions, number, _first_window(config, number), firewall, rng):
        path = batch_path(config.org1, config.org2, window)
        packed = compress(content)
        (scratch / path).mkdir(parents=True)
        (scratch / path / BATCH_FILE).write_bytes(packed)
        (scratch / path / EVENT_FILE).write_bytes(event_content(datetime.fromtimestamp(window, UTC) + EVENT_AFTER))
        batches.append({"window_start": _iso(window), "path": path, "rows": content.count(b"\n")})
        counts.update(sorts)
        counts.update(bytes_csv=len(content), bytes_gz=len(packed), batches=1)
    attacks = sessions["attack"][sessions["attack"] > 0]
    malicious = Counter(ATTACKS[int(code) - 1] for code in attacks)
    labels = count_labels(sessions, {h.address: h.ip for h in network.everything})
    return DayResult(labels, batches, counts, malicious)


def _describe(config: SimulateConfig, scratch: Path, results: list[DayResult]) -> dict[str, Any]:
    """Writes labels.csv and scenario.json; returns the counts."""
    network = make_network(config.seed, config.hosts)
    labels = pd.concat([result.labels for result in results], ignore_index=True)
    labels["window_start"] = labels["window"].map(_iso)
    labels.to_csv(scratch / "labels.csv", index=False, columns=LABEL_COLUMNS)
    counts: dict[str, Any] = dict(_total(result.counts for result in results))
    counts |= {
        "host_windows": len(labels),
        "malicious_host_windows": int((labels["attack"] != "").sum()),
        "malicious_rows_by_attack": dict(sorted(_total(result.malicious for result in results).items())),
    }
    scenario = {
        "name": f"office-{config.seed}",
        "seed": config.seed,
        "internal_cidr": INTERNAL_CIDR,
        "timezone": "UTC",
        "panos_version": config.panos_version,
        "start": _iso(_first_window(config, 0)),
        "days": config.days,
        "test_day_start": _iso(_first_window(config, config.days - max(1, config.attack_days))),
        "grid": {"minutes": [8, 23, 38, 53], "window_seconds": WINDOW_SECONDS, "flow_time": "start + elapsed"},
        "counts": counts,
        "hosts": [
            {"name": h.name, "ip": h.ip, "group": h.zone, "kind": h.kind, "role": role}
            for role, machines in (("host", network.hosts), ("server", network.servers.values()))
            for h in machines
        ],
        "attacks": [
            _incident(incident, config, number)
            for number in range(config.days)
            for incident in _incidents(config, network, number)
        ],
        "batches": [batch for result in results for batch in result.batches],
    }  # fmt: skip
    (scratch / DESCRIPTION).write_text(json.dumps(scenario, indent=1) + "\n")
    return counts


def _total(counts: Iterable[Counter[str]]) -> Counter[str]:
    """The sum of the counts; unlike `+`, it keeps zeros."""
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return total


def _incidents(config: SimulateConfig, network: Network, number: int) -> list[Incident]:
    if number < config.days - config.attack_days:
        return []
    return attack_day(network, number, (config.start + timedelta(days=number)).weekday())


def _incident(incident: Incident, config: SimulateConfig, number: int) -> dict[str, Any]:
    midnight = _first_window(config, number) - GRID_OFFSET_SECONDS
    times = incident.plans["time"] + midnight
    return {
        "attack": incident.attack, "host": incident.host.name, "ip": incident.host.ip, "start": _iso(int(times.min())),
        "end": _iso(int(times.max())), "sessions": len(times), "note": incident.note,
    }  # fmt: skip


def _first_window(config: SimulateConfig, number: int) -> int:
    """Start of the first window of a day, in seconds since the epoch."""
    date = config.start + timedelta(days=number)
    return int(datetime(date.year, date.month, date.day, tzinfo=UTC).timestamp()) + GRID_OFFSET_SECONDS


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(TIME)
