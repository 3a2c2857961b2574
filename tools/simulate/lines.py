"""PAN-OS TRAFFIC lines: every column at the position of the release."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Integers
from tools.simulate.apps import tail_of
from tools.simulate.places import ZONES, Firewall, countries_of, dotted, high_resolution, stamps, zone_of
from tools.simulate.plans import Records
from tools.simulate.profiles import APPS, ICMP, TCP, UDP
from tools.simulate.sessions import DENIED, REASONS

SERIAL, DEVICE = "013101004711", "hq-fw-1"
CONFIG_VERSION = {"10.1": "2561", "11.1": "2817"}
COLUMNS = {"10.1": 115, "11.1": 117}
ACTION_FLAGS = "0x8000000000000000"
FIRST_SEQUENCE = 7_200_000_000_000_000_000
PROTOCOLS = {TCP: "tcp", UDP: "udp", ICMP: "icmp"}
URL_CATEGORIES = ("computer-and-internet-info", "business-and-economy", "content-delivery-networks", "low-risk")
RULES = tuple(f"{src}-to-{dst}" for src in ZONES for dst in ZONES)  # by source zone, then destination zone
DENY_RULE = "interzone-default"
RULE_IDS = {rule: str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{rule}.{DEVICE}")) for rule in (*RULES, DENY_RULE)}
DENIALS = (("drop", "drop"), ("deny", "deny"), ("deny", "reset both"))  # subtype, action by kind of source zone
Column: TypeAlias = Any  # text for all lines, or an Arrow array with one text per line


def traffic_lines(sessions: Records, ids: Integers, sequence: Integers, lag: Integers, firewall: Firewall) -> pa.Array:
    """One `end`, `deny` or `drop` line per session, logged at its end + lag.

    Args:
        sessions: finished sessions.
        ids: session number of each.
        sequence: log sequence number of each line.
        lag: seconds from the end of the session to its log line.
        firewall: the device that writes the line.
    """
    denied = sessions["fate"] == DENIED
    style = np.where(zone_of(sessions["src"]) == 0, 0, 1 + sessions["src"] % 2)  # the internet is dropped silently
    columns = _session_columns(sessions, ids, sequence, firewall) | {
        4: _either(denied, [DENIALS[s][0] for s in range(3)], style, "end"),
        6: stamps(sessions["end"] + lag),
        30: _either(denied, [DENIALS[s][1] for s in range(3)], style, "allow"),
        31: text(sessions["sent"] + sessions["received"]),
        32: text(sessions["sent"]),
        33: text(sessions["received"]),
        34: text(sessions["packets_sent"] + sessions["packets_received"]),
        36: text(sessions["elapsed"]),
        44: text(sessions["packets_sent"]),
        45: text(sessions["packets_received"]),
        46: choose(REASONS, sessions["reason"]),
    }
    return _finish(columns, sessions["end"] + lag, firewall.version)


def start_lines(sessions: Records, ids: Integers, sequence: Integers, firewall: Firewall) -> pa.Array:
    """One `start` line per session: as its `end` line, but with the bytes of the first packets."""
    begun = sessions["end"] - sessions["elapsed"]
    first_sent, first_received = np.minimum(sessions["sent"], 583), np.minimum(sessions["received"], 66)
    columns = _session_columns(sessions, ids, sequence, firewall) | {
        4: "start",
        6: stamps(begun),
        30: "allow",
        31: text(first_sent + first_received),
        32: text(first_sent),
        33: text(first_received),
        34: "4",
        36: "0",
        44: "3",
        45: "1",
        46: "n/a",
    }
    return _finish(columns, begun, firewall.version)


def head_columns(sessions: Records, firewall: Firewall) -> dict[int, Column]:
    """Columns 7 to 29 without the session id; they are equal in TRAFFIC and THREAT lines."""
    src_zone, dst_zone = zone_of(sessions["src"]), zone_of(sessions["dst"])
    out = (dst_zone == 0) & (sessions["fate"] != DENIED)
    nat_port = np.where(out & (sessions["sport"] > 0), (sessions["sport"] * 31 + sessions["dst"]) % 60_000 + 1_024, 0)
    interfaces = [f"ethernet1/{number + 1}" for number in range(len(ZONES))]
    return {
        7: dotted(sessions["src"]),
        8: dotted(sessions["dst"]),
        9: choose(("0.0.0.0", firewall.egress), out),
        10: _pick(out, dotted(sessions["dst"]), "0.0.0.0"),
        11: choose((*RULES, DENY_RULE), _rule_of(sessions)),
        12: firewall.users_of(sessions["src"]),
        13: "",
        14: choose(APPS, sessions["app"]),
        15: "vsys1",
        16: choose(ZONES, src_zone),
        17: choose(ZONES, dst_zone),
        18: choose(interfaces, src_zone),
        19: choose(interfaces, dst_zone),
        20: "default-logging",
        23: "1",
        24: text(sessions["sport"]),
        25: text(sessions["dport"]),
        26: text(nat_port),
        27: text(np.where(out, sessions["dport"], 0)),
        28: choose(("0x19", "0x400053"), out),
        29: choose([PROTOCOLS.get(code, "") for code in range(UDP + 1)], sessions["protocol"]),
    }  # fmt: skip


def rule_ids(sessions: Records) -> pa.Array:
    """The UUID of the rule that each session matched."""
    return choose([RULE_IDS[rule] for rule in (*RULES, DENY_RULE)], _rule_of(sessions))


def join_columns(columns: Mapping[int, Column], count: int) -> pa.Array:
    """The lines: columns 0 to `count` - 1 joined by commas; missing columns are empty."""
    pieces: list[Any] = []
    constant = ""
    for number in range(count):
        value = columns.get(number, "")
        comma = "," if number else ""
        if isinstance(value, str):
            constant += comma + value
        else:
            pieces += [constant + comma, value]
            constant = ""
    pieces.append(constant + "\n")
    texts = [pa.scalar(piece, pa.large_string()) if isinstance(piece, str) else piece for piece in pieces]
    return pc.binary_join_element_wise(*texts, pa.scalar("", pa.large_string()))


def _session_columns(sessions: Records, ids: Integers, sequence: Integers, firewall: Firewall) -> dict[int, Column]:
    src_zone, dst_zone = zone_of(sessions["src"]), zone_of(sessions["dst"])
    dropped = (sessions["fate"] == DENIED) & (src_zone == 0)
    web = (dst_zone == 0) & np.isin(sessions["dport"], (80, 443)) & (sessions["fate"] != DENIED)
    category = np.where(web, 1 + sessions["dst"] // 256 % len(URL_CATEGORIES), 0)
    return head_columns(sessions, firewall) | {
        22: text(np.where(dropped, 0, ids)),
        35: stamps(sessions["end"] - sessions["elapsed"]),
        37: choose(("any", *URL_CATEGORIES), category),
        39: text(sequence + FIRST_SEQUENCE),
        41: countries_of(sessions["src"]),
        42: countries_of(sessions["dst"]),
        65: rule_ids(sessions),
        105: choose([tail_of(app) for app in APPS], sessions["app"]),
    }


def _finish(columns: dict[int, Column], logged: Integers, version: str) -> pa.Array:
    """The lines with constants and log times added; columns 105 to 114 are one piece."""
    constants: dict[int, Column] = {
        0: "1", 2: SERIAL, 3: "TRAFFIC", 5: CONFIG_VERSION[version], 40: ACTION_FLAGS, 47: "11", 52: DEVICE,
        53: "from-policy", 60: "N/A", **dict.fromkeys((48, 49, 50, 56, 58, 61, 62, 63, 64, 66, 67), "0"),
    }  # fmt: skip
    columns = constants | columns
    columns[1] = stamps(logged + 2)
    columns[21] = columns[6]
    columns[102] = high_resolution(logged)
    tail_columns = 10
    for number in range(115, COLUMNS[version]):
        columns[number - tail_columns + 1] = "NonProxyTraffic" if number == 115 else ""
    return join_columns(columns, COLUMNS[version] - tail_columns + 1)


def _rule_of(sessions: Records) -> Integers:
    """The position of each session's rule in `RULES`, which the deny rule follows."""
    pair = zone_of(sessions["src"]) * len(ZONES) + zone_of(sessions["dst"])
    return np.where(sessions["fate"] == DENIED, len(RULES), pair)


def text(numbers: npt.NDArray[Any]) -> pa.Array:
    """Integers as text."""
    return pc.cast(pa.array(numbers.astype(np.int64)), pa.large_string())


def choose(names: Sequence[str], place: npt.NDArray[Any]) -> pa.Array:
    """The name at each position."""
    return pa.array(list(names), pa.large_string()).take(pa.array(place.astype(np.int64)))


def _pick(mask: Flags, chosen: pa.Array, other: str) -> pa.Array:
    return pc.if_else(pa.array(mask), chosen, pa.scalar(other, pa.large_string()))


def _either(mask: Flags, names: Sequence[str], place: npt.NDArray[Any], other: str) -> pa.Array:
    """`names[place]` where the mask holds, else `other`."""
    return choose([*names, other], np.where(mask, place, len(names)))
