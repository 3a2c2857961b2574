"""What sessions cost: measured seconds and bytes of jobs, at given prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from common.config.documents import read_yaml
from common.config.loader import build_from
from common.errors import InputError, ParameterError
from common.runtime.rows import print_rows
from tools.cost.config import CostConfig, Rates
from tools.cost.reports import OF_INPUT, Ran, variants

HOUR, GIGABYTE, MILLION = 3600, 1e9, 1e6
ALL = "all"


def run(config: CostConfig) -> None:
    """Prints a row for each command of each variant, and one for all of them.

    Raises:
        ParameterError: a price that is needed is missing.
        InputError: there are no run reports, or none of sessions.
    """
    rates = build_from(Rates, read_yaml(config.rates))
    found = variants(config.reports)
    _check(rates, str(config.rates), {job.command for jobs in found.values() for job in jobs}, found)
    print_rows([row for name, jobs in found.items() for row in _rows(name, jobs, rates)], config.form)


def _check(rates: Rates, source: str, commands: set[str], found: dict[str, list[Ran]]) -> None:
    missing = []
    for command in sorted(commands):
        job = rates.jobs.get(command)
        if job is None:
            missing.append(f"jobs.{command}")
            continue
        if job.start_seconds is None:
            missing.append(f"jobs.{command}.start_seconds")
        if rates.machines.get(job.machine) is None:
            missing.append(f"machines.{job.machine}")
    if rates.gigabyte_read is None and any(job.read_bytes for jobs in found.values() for job in jobs):
        missing.append("gigabyte_read")
    if missing:
        raise ParameterError(
            f"{source} lacks {', '.join(dict.fromkeys(missing))}",
            "Give the prices that you pay, from a bill or AWS's price lists; none is made up here",
        )


def _rows(variant: str, jobs: Sequence[Ran], rates: Rates) -> Iterator[dict[str, Any]]:
    counted = next((stage for stage in OF_INPUT if any(stage in job.sessions for job in jobs)), None)
    sessions = sum(job.sessions.get(counted, 0) for job in jobs) if counted else 0
    if not sessions:
        raise InputError(
            f"the run reports of {variant} have no sessions", f"Add the logs of {' or '.join(OF_INPUT)} to this folder"
        )
    commands = {
        command: [job for job in jobs if job.command == command] for command in sorted({j.command for j in jobs})
    }
    costs = {command: sum(_cost(job, rates) for job in own) for command, own in commands.items()}
    for command, own in [*commands.items(), (ALL, list(jobs))]:
        cost = sum(costs.values()) if command == ALL else costs[command]
        yield {
            "variant": variant,
            "command": command,
            "jobs": len(own),
            "seconds": round(sum(job.seconds for job in own), 1),
            "gigabytes": round(sum(job.read_bytes for job in own) / GIGABYTE, 6),
            "sessions": sessions,
            "cost": round(cost, 6),
            "per_million_sessions": round(cost / sessions * MILLION, 4),
            "currency": rates.currency,
        }


def _cost(ran: Ran, rates: Rates) -> float:
    """The price of a job: of its machines from their start to its end, and of what it read."""
    job = rates.jobs[ran.command]
    hours = ((job.start_seconds or 0) + ran.seconds) / HOUR * job.machines
    return hours * (rates.machines[job.machine] or 0) + ran.read_bytes / GIGABYTE * (rates.gigabyte_read or 0)
