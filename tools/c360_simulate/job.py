"""Simulates day by day, and writes what is delivered and the truth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.storage import places
from tools.c360_simulate.config import SimulateConfig
from tools.c360_simulate.deliveries import Sources, sample_deliveries
from tools.c360_simulate.delivery import Delivery
from tools.c360_simulate.files import rejections, write
from tools.c360_simulate.people import Record
from tools.c360_simulate.truth import arrived, tables
from tools.c360_simulate.world import World

TRUTH = "truth"


def run(config: SimulateConfig) -> dict[str, Any]:
    """Writes `day=<date>/raw/...` and `truth/*.ndjson` atomically; returns the counts.

    Raises:
        InputError: the output folder is not empty, and `overwrite` is off or the folder has no truth.
    """
    out = config.out.absolute()
    _require_free(out, config)
    out.parent.mkdir(parents=True, exist_ok=True)
    places.remove_dead_places(out.parent)
    deliveries = all_deliveries(config)
    with places.place(out.parent) as folder:
        scratch = folder / "scenario"
        (scratch / TRUTH).mkdir(parents=True)
        rejected = [entry for delivery in deliveries for entry in _written(delivery, scratch)]
        truth = tables(arrived(deliveries), as_of=max(delivery.day for delivery in deliveries))
        for name, rows in (truth | {"rejected": rejected}).items():
            lines = (json.dumps(row, default=_text, ensure_ascii=False) + "\n" for row in rows)
            (scratch / TRUTH / f"{name}.ndjson").write_text("".join(lines))
        if out.exists():
            out.rename(folder / "replaced")
        scratch.rename(out)
    return {
        "files": dict(sorted(Counter(delivery.dataset for delivery in deliveries).items())),
        "files_refused": sum(bool(delivery.fault) for delivery in deliveries),
        "files_late": sum(delivery.moment.date() > delivery.day for delivery in deliveries),
        "files_repeated": sum(delivery.is_known for delivery in deliveries),
        "rows_rejected": dict(Counter(entry["reason"] for entry in rejected if entry["line"])),
        "late": sorted({str(delivery.day) for delivery in deliveries if delivery.moment.date() > delivery.day}),
        "unresolved": dict(Counter(row["reason"] for row in truth["fact_activity_unresolved"])),
        "truth": {name: len(rows) for name, rows in truth.items()},
    }


def all_deliveries(config: SimulateConfig) -> list[Delivery]:
    """What arrives, by the days on which it was meant to."""
    world = World(config)
    if config.shape == "sample":
        return list(sample_deliveries([world.calm_day(number) for number in range(config.days)], config))
    sources = Sources(config)
    return [delivery for number in range(config.days) for delivery in sources.deliveries(world.live(number))]


def _written(delivery: Delivery, folder: Path) -> Iterator[Record]:
    content = write(delivery, folder)
    if not delivery.is_known:
        yield from rejections(delivery, content)


def _text(value: object) -> str:
    """A value as JSON has it: a time in UTC, a number with all its digits."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date | Decimal):
        return str(value)
    raise TypeError(f"{value!r} is no value of a table")


def _require_free(out: Path, config: SimulateConfig) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not config.overwrite:
        raise InputError(f"{config.out} exists and is not empty", "Give another folder, or --overwrite")
    if not (out / TRUTH).is_dir():
        raise InputError(f"{config.out} is not a simulated scenario and is not overwritten", "Give another folder")
