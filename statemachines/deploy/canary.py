"""A release that is tried on part of the executions, and taken back if an alarm of a machine goes off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from common.aws.clients import aws_errors, client
from common.errors import DeploymentError
from common.retries import polled
from statemachines.canary_option import Canary
from statemachines.deploy.publish import Prepared, move_alias

PAUSE_SECONDS = 5.0


class CanaryError(DeploymentError):
    """A release that was tried is not taken up; the aliases name the versions before."""


def check_quiet(alarms: str, machines: Sequence[str]) -> None:
    """Refuses a canary while an alarm on these machines is on, which could not go off any more.

    Raises:
        DeploymentError: one is.
        AwsError: the alarms cannot be read.
    """
    if on := _on(_alarms_of(alarms, machines)):
        raise DeploymentError(
            f"a release cannot be tried while {', '.join(on)} is on",
            "Nothing was changed: wait until it is over, or deploy without a canary",
        )


def _alarms_of(prefix: str, machines: Sequence[str]) -> list[Mapping[str, Any]]:
    """The alarms on these machines; their names begin with the prefix."""
    with aws_errors("the alarms cannot be read"):
        pages = client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{prefix}-")
        found = [alarm for page in pages for alarm in page["MetricAlarms"]]
    return [alarm for alarm in found if _dimensions(alarm) & set(machines)]


def _dimensions(alarm: Mapping[str, Any]) -> set[str]:
    """The names of what an alarm watches."""
    return {entry["Value"].rpartition(":")[2] for entry in alarm.get("Dimensions", [])}


def _on(alarms: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM")


def try_out(stepfunctions: Any, prepared: Sequence[Prepared], canary: Canary, alarms: str) -> bool:
    """Whether there was something to try: new versions get their part of the executions while the alarms are watched.

    Machines that had no alias, or whose alias stays where it is, are not tried. Interrupted, the aliases keep both
    versions: a deployment begins again, and a rollback ends it.

    Raises:
        CanaryError: no alarm watches the machines, or one went off; all aliases name the versions before.
        AwsError: a call was refused.
    """
    tried = [one for one in prepared if one.moves and one.live not in (None, one.newest)]
    if not tried:
        return False
    machines = [one.machine for one in prepared]
    if not _alarms_of(alarms, machines):
        raise CanaryError("no alarm watches the state machines", "Deploy their alarms first, or without a canary")
    with aws_errors("the aliases could not be moved"):
        for one in tried:
            assert one.live is not None
            routes = {one.live: 100 - canary.percent, one.newest: canary.percent}
            move_alias(stepfunctions, one.arn, routes, f"{canary.percent} % start version {one.newest}")
    on = polled(
        "an alarm",
        lambda: _on(_alarms_of(alarms, machines)) or None,
        first_pause_seconds=min(PAUSE_SECONDS, canary.seconds / 2),
        seconds=canary.seconds,
    )
    if on:
        with aws_errors("the aliases could not be moved back"):
            for one in tried:
                assert one.live is not None
                move_alias(stepfunctions, one.arn, {one.live: 100})
        raise CanaryError(
            f"{', '.join(on)} went off while {canary.percent} % of the executions started the new versions",
            "The aliases name the versions before again; look at what failed, and deploy a corrected release",
        )
    return True
