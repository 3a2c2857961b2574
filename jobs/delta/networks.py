"""Networks with overlapping addresses: who a host is, and where that is in doubt."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.addresses import NETWORK_SIGN, are_internal, is_internal
from common.arrays import Flags
from common.coded import encoded
from common.config.project import NetworkParameters, ProjectParameters
from jobs.delta.grouping import combined

EXAMPLES = 5
_SESSION = ("src_ip", "src_port", "dst_ip", "dst_port", "protocol", "start_ts")


def in_networks(sessions: pa.Table, project: ProjectParameters) -> pa.Table:
    """The sessions, whose internal addresses have the name of their network where the project has networks."""
    for name in ("src_ip", "dst_ip") if project.networks else ():
        addresses = encoded(sessions[name])
        places = np.asarray(addresses.indices)
        network = np.zeros(len(sessions), dtype=np.int64)  # 0 for none
        for number, parameters in reversed([*enumerate(project.networks.values(), start=1)]):
            network[_holds(sessions, parameters, f"{name[:3]}_zone")] = number
        network[~are_internal(addresses.dictionary, project.internal_cidrs)[places]] = 0
        distinct, rows = np.unique(combined(places, network), return_index=True, return_inverse=True)[1:]
        suffixes = pa.array(["", *(f"{NETWORK_SIGN}{text}" for text in project.networks)])
        texts = pc.binary_join_element_wise(
            addresses.take(pa.array(distinct)).cast(pa.string()), suffixes.take(pa.array(network[distinct])), ""
        )
        named = pa.DictionaryArray.from_arrays(rows.astype(np.int32), texts)
        sessions = sessions.set_column(sessions.schema.get_field_index(name), name, named)
    return sessions


def _holds(sessions: pa.Table, network: NetworkParameters, zone: str) -> Flags:
    """Whether each session is one of the network."""
    wanted: Mapping[str, tuple[str, ...]] = {
        "device_serial": network.devices,
        "virtual_system": network.virtual_systems,
        zone: network.zones,
    }
    found = np.ones(len(sessions), dtype=bool)
    for column, values in wanted.items():
        if values:
            found &= np.asarray(pc.is_in(sessions[column], value_set=pa.array(values)))
    return found


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
