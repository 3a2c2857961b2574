"""Networks with overlapping addresses: who a host is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.addresses import NETWORK_SIGN, are_internal
from common.arrays import Flags
from common.coded import encoded
from common.config.project import NetworkParameters, ProjectParameters
from jobs.delta.grouping import combined


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
