"""Networks with overlapping addresses: who a host is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.addresses import NETWORK_SIGN, is_internal
from common.config.project import NetworkParameters, ProjectParameters


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
