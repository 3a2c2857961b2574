"""PAN-OS THREAT lines: URL, vulnerability and scan logs, without bytes, packets, start or duration."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Integers
from tools.simulate.apps import tail_of
from tools.simulate.lines import (
    ACTION_FLAGS,
    CONFIG_VERSION,
    DEVICE,
    FIRST_SEQUENCE,
    SERIAL,
    URL_CATEGORIES,
    Column,
    choose,
    head_columns,
    join_columns,
    rule_ids,
    text,
)
from tools.simulate.places import Firewall, countries_of, dotted, high_resolution, stamps
from tools.simulate.plans import Records
from tools.simulate.profiles import APP_CODE, APPS
from tools.simulate.sessions import DENIED

COLUMNS = {"10.1": 120, "11.1": 123}
URL_APPS = ("ssl", "web-browsing", "google-base", "ms-office365-base", "ms-onedrive-base", "http-proxy")
URL_SHARE = 0.003
ALERTS = {  # app: share of its sessions, subtype, threat, severity, threat category
    "ssh": (0.012, "vulnerability", "SSH User Authentication Brute Force Attempt(40015)", "medium", "brute-force"),
    "ms-rdp": (0.012, "vulnerability", "Microsoft RDP Brute Force Attempt(40021)", "medium", "brute-force"),
    "ms-ds-smbv3": (0.004, "vulnerability", "Windows NTLMSSP Detection(92322)", "informational", "info-leak"),
    "incomplete": (0.004, "scan", "SCAN: TCP Port Scan(8001)", "low", "scan"),
    "web-browsing": (0.001, "vulnerability", "HTTP Non RFC-Compliant Response(32880)", "informational", "protocol"),
    "smtp-base": (0.002, "spyware", "Suspicious Attachment Name(14978)", "low", "spyware"),
}  # fmt: skip
_KINDS = (("", 0.0, "url", "(9999)", "informational", "unknown"), *((app, *facts) for app, facts in ALERTS.items()))


def pick_threats(sessions: Records, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """The rows of sessions with a THREAT log, and the kind of each; denied sessions have none."""
    chance = rng.random(len(sessions))
    kind = np.full(len(sessions), -1, dtype=np.int64)
    url = np.isin(sessions["app"], [APP_CODE[app] for app in URL_APPS]) & (sessions["dst"] >> 24 != 10)
    kind[url & (chance < URL_SHARE)] = 0
    for number, (app, share, *_) in enumerate(_KINDS[1:], start=1):
        kind[(sessions["app"] == APP_CODE[app]) & (chance > 1 - share)] = number
    kind[sessions["fate"] == DENIED] = -1
    rows = np.flatnonzero(kind >= 0)
    return rows, kind[rows]


def threat_lines(
    sessions: Records, kind: Integers, ids: Integers, sequence: Integers, logged: Integers, firewall: Firewall
) -> pa.Array:
    """One THREAT line per session.

    Args:
        sessions: the sessions in which something was seen.
        kind: what was seen, from `pick_threats`.
        ids: session number of each.
        sequence: log sequence number of each line.
        logged: time of each line in seconds since the epoch.
        firewall: the device that writes the line.
    """
    url = pa.array(kind == 0)
    category = 1 + (sessions["dst"] >> 8) % len(URL_CATEGORIES)
    slash, empty = (pa.scalar(part, pa.large_string()) for part in ("/", ""))
    address = pc.binary_join_element_wise(dotted(sessions["dst"]), slash, empty)
    blocked = (kind == 0) & (sequence % 23 == 0)
    stamp = stamps(logged)
    columns: dict[int, Column] = head_columns(sessions, firewall) | {
        0: "1", 1: stamps(logged + 2), 2: SERIAL, 3: "THREAT", 5: CONFIG_VERSION[firewall.version], 6: stamp, 21: stamp,
        4: choose([k[2] for k in _KINDS], kind), 22: text(ids),
        30: choose(("alert", "block-url"), blocked),
        31: pc.if_else(url, address, empty),
        32: choose([k[3] for k in _KINDS], kind),
        33: choose(("any", *URL_CATEGORIES), np.where(kind == 0, category, 0)),
        34: choose([k[4] for k in _KINDS], kind),
        35: "client-to-server",
        36: text(sequence + FIRST_SEQUENCE),
        37: ACTION_FLAGS,
        38: countries_of(sessions["src"]), 39: countries_of(sessions["dst"]),
        41: choose(("", "text/html"), kind == 0), 42: "0", 45: choose(("0", "1"), kind == 0),
        54: "11", 55: "0", 56: "0", 57: "0", 59: DEVICE, 64: "0", 66: "0", 68: "N/A",
        63: choose(("", "get"), kind == 0),
        69: choose([k[5] for k in _KINDS], kind), 70: "AppThreat-8500-7000", 72: "0", 73: "0",
        75: choose(("", *(f'"{name},low-risk"' for name in URL_CATEGORIES)), np.where(kind == 0, category, 0)),
        76: rule_ids(sessions), 77: "0",
        107: high_resolution(logged),
        111: choose([tail_of(app, offloaded=False) for app in APPS], sessions["app"]),
    }  # fmt: skip
    tail_columns = 9  # columns 111 to 119 are one piece
    if firewall.version == "11.1":
        columns[121 - tail_columns + 1] = "NonProxyTraffic"
    return join_columns(columns, COLUMNS[firewall.version] - tail_columns + 1)
