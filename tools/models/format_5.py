"""What models of format 5 say of groups and hosts by texts, by the codes of today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.address_codes import address_codes
from common.arrays import Floats, Integers
from common.detection.checked import damaged, floats, section, whole
from common.detection.host_p_values import PastScores
from common.detection.pairs.contacts import codes_of_networks
from common.detection.pairs.evidence import EXCESSES, KINDS, SPREADS
from common.detection.pairs.group_codes import SERVICE_BITS, group_codes
from common.detection.pairs.habits import Habits
from common.detection.pairs.prior_maxima import PriorMaxima
from common.detection.parameters import current_parameters
from common.detection.registry.tensors import Arrays, texts_in, vector

AMOUNTS = {"pairs": EXCESSES, "spread": SPREADS}


def coded(arrays: Arrays, members: dict[str, Any]) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and the JSON values of today that say the same.

    Raises:
        ModelError: they are damaged.
    """
    found = {name: array for name, array in arrays.items() if name.split(".")[0] not in AMOUNTS}
    values = dict(members)
    for member, amounts in AMOUNTS.items() if "pairs" in members else ():
        found |= _maxima(arrays, member, amounts) | Habits.none().arrays(f"{member}.habits")
        found[f"{member}.loyal"] = np.zeros(0, dtype=np.int64)
        unknown = {"usual_levels": [current_parameters().pairs.level_min] * len(KINDS)}
        values[member] = unknown | section(members.get(member), member, "tails", "p_values")
        values[member]["p_values"], of_hosts = _p_values(values[member]["p_values"], member)
        found |= of_hosts
    return found, values


def _maxima(arrays: Arrays, member: str, amounts: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The prior maxima of a member."""
    group_texts, host_texts = (texts_in(arrays, f"{member}.{part}") for part in ("groups", "hosts"))
    groups, hosts = _groups(group_texts, member), address_codes(host_texts)
    order, host_order = np.argsort(groups), np.argsort(hosts)
    group_rank, host_rank = np.argsort(order), np.argsort(host_order)
    found: dict[str, NDArray[Any]] = {f"{member}.groups": groups[order], f"{member}.hosts": hosts[host_order]}
    for amount in amounts:
        name = f"{member}.{amount}"
        floors, own = (vector(arrays, f"{name}.{part}", "<f8") for part in ("floors", "own"))
        leaders, names = vector(arrays, f"{name}.leaders", "<f8", 2), vector(arrays, f"{name}.leader_names", "<i8", 2)
        if leaders.shape != names.shape or len(names) != len(groups) or not _within(names, -1, len(hosts)):
            raise damaged(name)
        pairs = _pairs(texts_in(arrays, f"{name}.own_keys"), group_texts, host_texts, name)
        own_pairs = group_rank[pairs // max(len(hosts), 1)] * len(hosts) + host_rank[pairs % max(len(hosts), 1)]
        rising = np.argsort(own_pairs)
        if len(own) != len(rising):
            raise damaged(name)
        maxima = PriorMaxima.of_matrix(
            floors, groups[order], hosts[host_order], leaders[order], np.append(host_rank, -1)[names][order],
            own_pairs[rising], own[rising],
        )  # fmt: skip
        found |= maxima.arrays(name) | {f"{member}.counts": maxima.counts}
    return found


def _groups(texts: pa.Array, member: str) -> Integers:
    """The codes of groups: role, network and port of pairs; kind and segment of counts."""
    first, rest = _halves(texts, " ", member)
    if member == "spread":
        kinds = _places(first, pa.array(KINDS), member)
        return group_codes(address_codes(rest), kinds)
    networks, ports = _halves(rest, " ", member, reverse=True)
    try:
        port = np.asarray(ports.cast(pa.int64()))
    except pa.ArrowInvalid:
        raise damaged(f"the groups of {member}") from None
    if not _within(port, 0, 1 << SERVICE_BITS - 1):
        raise damaged(f"the groups of {member}")
    return group_codes(
        codes_of_networks(networks), port * 2 + _places(first, pa.array(["outbound", "inbound"]), member)
    )


def _pairs(keys: pa.Array, groups: pa.Array, hosts: pa.Array, what: str) -> Integers:
    """The number group x hosts + host of each text of both, with a tab between them."""
    group, host = _halves(keys, "\t", what, reverse=True)
    return _places(group, groups, what) * len(hosts) + _places(host, hosts, what)


def _halves(texts: pa.Array, sign: str, what: str, reverse: bool = False) -> tuple[pa.Array, pa.Array]:
    """What is before and after the first sign of each text, or the last one."""
    parts = pc.split_pattern(texts, sign, max_splits=1, reverse=reverse)
    if not pc.all(pc.equal(pc.list_value_length(parts), 2), min_count=0).as_py():
        raise damaged(what)
    return pc.list_element(parts, 0), pc.list_element(parts, 1)


def _places(texts: pa.Array, known: pa.Array, what: str) -> Integers:
    """The place of each text among the known ones."""
    found = pc.index_in(texts, value_set=known)
    if found.null_count:
        raise damaged(what)
    return np.asarray(found, dtype=np.int64)


def _within(numbers: Integers, least: int, below: int) -> bool:
    return bool(((numbers >= least) & (numbers < below)).all())


def _p_values(raw: Any, member: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The p-values without hosts' own scores, and these as arrays."""
    values, arrays = {}, dict[str, NDArray[Any]]()
    for kind, entry in section(raw, member).items():
        what = f"{member}.{kind}"
        hosts = section(section(entry, what, "hosts")["hosts"], what)
        if not all(isinstance(own, list) and len(own) == 2 for own in hosts.values()):
            raise damaged(what)
        codes = address_codes(pa.array(hosts, pa.string()))
        past = _past([(whole(rows, what), floats(own, what)) for rows, own in hosts.values()], codes)
        arrays |= {f"{what}.{part}": array for part, array in vars(past).items()}
        values[kind] = {name: value for name, value in entry.items() if name != "hosts"}
    return values, arrays


def _past(own: Sequence[tuple[int, Floats]], codes: Integers) -> PastScores:
    """The scores of hosts with these codes, in their order."""
    kept = max((len(highest) for _, highest in own), default=0)
    table = np.full((len(own), kept), -np.inf)
    for place, (_, highest) in enumerate(own):
        table[place, : len(highest)] = highest
    order = np.argsort(codes)
    rows = np.array([rows for rows, _ in own], dtype=np.int64)
    return PastScores(codes[order], rows[order], table[order])
