"""Networks with overlapping addresses: who a host is, and where that is in doubt."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.addresses import NETWORK_SIGN, is_internal
from common.config.project import NetworkParameters, ProjectParameters

EXAMPLES = 5
_SESSION = ("src_ip", "src_port", "dst_ip", "dst_port", "protocol", "start_ts")


def in_networks(sessions: DataFrame, project: ProjectParameters) -> DataFrame:
    """The sessions, whose internal addresses have the name of their network where the project has networks."""
    for side in ("src", "dst") if project.networks else ():
        address = F.col(f"{side}_ip")
        name = F.coalesce(
            *(
                F.when(_holds(sessions, network, f"{side}_zone"), F.lit(name))
                for name, network in project.networks.items()
            )
        )
        inside = is_internal(address, project.internal_cidrs) & name.isNotNull()
        sessions = sessions.withColumn(
            f"{side}_ip", F.when(inside, F.concat_ws(NETWORK_SIGN, address, name)).otherwise(address)
        )
    return sessions


def _holds(sessions: DataFrame, network: NetworkParameters, zone: str) -> Column:
    wanted: Mapping[str, tuple[str, ...]] = {
        "device_serial": network.devices,
        "virtual_system": network.virtual_systems,
        zone: network.zones,
    }
    conditions = (
        F.col(column).isin(list(found)) if column in sessions.columns else F.lit(False)
        for column, found in wanted.items()
        if found
    )
    return reduce(and_, conditions, F.lit(True))


def overlapping(sessions: DataFrame, project: ProjectParameters) -> tuple[int, list[str]]:
    """How many internal addresses are active on several devices at once, in one window, and the first of them.

    A session that several devices log, because it passes them or because they are a cluster, is no sign of that.
    """
    known = sessions.where("event_type = 'TRAFFIC' AND device_serial IS NOT NULL")
    if len(known.select("device_serial").distinct().limit(2).collect()) < 2:
        return 0, []
    inside = known.where(is_internal(F.col("src_ip"), project.internal_cidrs)).select(
        "slice", "device_serial", "end_ts", *_SESSION
    )
    suspects = _at_once(inside).select("slice", "src_ip")
    of_suspects = inside.join(F.broadcast(suspects), ["slice", "src_ip"], "left_semi")
    of_one_device = (
        of_suspects.groupBy("slice", *_SESSION)
        .agg(
            F.min("device_serial").alias("device_serial"),
            F.max("device_serial").alias("last"),
            F.max("end_ts").alias("end_ts"),
        )
        .where("device_serial = last")
    )
    found = sorted({row["src_ip"] for row in _at_once(of_one_device).select("src_ip").collect()})
    return len(found), found[:EXAMPLES]


def _at_once(sessions: DataFrame) -> DataFrame:
    """The windows and addresses for which the sessions of several devices overlap in time."""
    by_device = sessions.groupBy("slice", "src_ip", "device_serial").agg(
        F.min("start_ts").alias("first"), F.max("end_ts").alias("last")
    )
    return (
        by_device.groupBy("slice", "src_ip")
        .agg(F.count("*").alias("devices"), F.max("first").alias("latest_start"), F.min("last").alias("earliest_end"))
        .where("devices > 1 AND latest_start < earliest_end")
    )
