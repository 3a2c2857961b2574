"""Plans to sessions: outcome, bytes, packets, duration and end of each."""

from __future__ import annotations

import numpy as np

from common.arrays import Integers
from common.windows import GRID_OFFSET_SECONDS, WINDOW_SECONDS
from tools.simulate.plans import DAY_SECONDS, DRAWN, Records
from tools.simulate.profiles import (
    APP_CODE,
    APP_OF,
    FATE_OF,
    ICMP,
    PORT_OF,
    PROTOCOL_OF,
    RECEIVED_OF,
    RESET_OF,
    SECONDS_OF,
    SENT_OF,
    TCP,
    UDP,
)

SERVED, REFUSED, LOST, DENIED = range(4)
REASONS = ("tcp-fin", "tcp-rst-from-client", "tcp-rst-from-server", "aged-out", "policy-deny", "threat")
FIN, RST_CLIENT, RST_SERVER, AGED_OUT, POLICY_DENY, THREAT = range(6)

SESSION = np.dtype(
    [
        ("end", "i8"),  # seconds since the epoch, UTC
        ("elapsed", "i8"),  # whole seconds
        ("src", "u4"),
        ("dst", "u4"),
        ("sport", "u2"),
        ("dport", "u2"),
        ("protocol", "u1"),
        ("app", "i2"),
        ("sent", "i8"),
        ("received", "i8"),
        ("packets_sent", "i8"),
        ("packets_received", "i8"),
        ("fate", "i1"),
        ("reason", "i1"),
        ("attack", "i1"),
    ]
)
_HEADER = {TCP: 54, UDP: 42, ICMP: 34}  # bytes with Ethernet and IP


def draw_sessions(plans: Records, midnight: int, rng: np.random.Generator) -> Records:
    """Finished sessions in order of their end, one per plan.

    A benign session that would end after the day's last window (00:08 of the next day) is moved back by one day, in
    the place of those that began the day before; an attack's session that would is left out.
    """
    kind = plans["profile"]
    rows = np.zeros(len(plans), dtype=SESSION)
    for name in ("src", "dst", "attack"):
        rows[name] = plans[name]
    rows["protocol"], rows["app"] = PROTOCOL_OF[kind], APP_OF[kind]
    rows["dport"] = np.where(plans["port"] > 0, plans["port"], PORT_OF[kind])
    rows["sport"] = rng.integers(49_152, 65_536, len(plans))
    rows["sport"][rows["protocol"] == ICMP] = 0
    drawn = (rng.random(len(plans))[:, None] > FATE_OF[kind]).sum(axis=1)  # 0 refused, 1 lost, 2 denied, 3 served
    rows["fate"] = np.where(plans["fate"] == DRAWN, (drawn + 1) % 4, plans["fate"])
    rows["fate"][(rows["fate"] == REFUSED) & (rows["protocol"] != TCP)] = LOST
    _serve(rows, plans, rng)
    _fail(rows, rng)
    starts = midnight + plans["time"]
    end = np.floor(starts).astype(np.int64) + rows["elapsed"]
    first = midnight + GRID_OFFSET_SECONDS
    rows["end"] = np.where(rows["attack"] > 0, end, (end - first) % DAY_SECONDS + first)
    rows = rows[(rows["end"] >= first) & (rows["end"] < first + DAY_SECONDS)]
    return rows[np.lexsort((rows["sport"], rows["dst"], rows["src"], rows["end"]))]


def window_of(end: Integers) -> Integers:
    """The start of the window that contains each end, in seconds since the epoch."""
    return np.asarray((end - GRID_OFFSET_SECONDS) // WINDOW_SECONDS * WINDOW_SECONDS + GRID_OFFSET_SECONDS)


def _serve(rows: Records, plans: Records, rng: np.random.Generator) -> None:
    """Sizes, durations and ends of successful sessions."""
    kind, count = plans["profile"], len(plans)
    sent, received = (
        np.minimum(table[kind, 0] * np.exp(rng.normal(0, 1, count) * table[kind, 1]) * plans[factor], 4e9)
        for table, factor in ((SENT_OF, "up"), (RECEIVED_OF, "down"))
    )
    tcp, icmp = rows["protocol"] == TCP, rows["protocol"] == ICMP
    data_sent, data_received = np.ceil(sent / 1_330), np.ceil(received / 1_380)
    handshake = rng.integers(3, 6, count)
    rows["packets_sent"] = np.where(tcp, data_sent + data_received // 2 + handshake, np.maximum(data_sent, 1))
    rows["packets_received"] = np.where(tcp, data_received + data_sent // 2 + handshake - 1, data_received)
    header = np.select([tcp, icmp], [_HEADER[TCP], _HEADER[ICMP]], _HEADER[UDP])
    rows["sent"] = sent.astype(np.int64) + header * rows["packets_sent"]
    rows["received"] = received.astype(np.int64) + header * rows["packets_received"]
    seconds = SECONDS_OF[kind, 0] * np.exp(rng.normal(0, 1, count) * SECONDS_OF[kind, 1])
    transfer = (sent + received) / (3e6 * np.exp(rng.normal(0, 0.6, count)))  # about 3 MB/s
    rows["elapsed"] = np.minimum(np.rint(seconds + transfer), 6 * 3600)
    chance, side = rng.random(count), rng.random(count)
    reset = np.where(side < 0.6, RST_CLIENT, RST_SERVER)
    rows["reason"] = np.where(chance < RESET_OF[kind], reset, np.where(chance > 0.96, AGED_OUT, FIN))
    rows["reason"][~tcp] = AGED_OUT


def _fail(rows: Records, rng: np.random.Generator) -> None:
    """Overwrites what differs in refused, lost and denied sessions."""
    tcp = rows["protocol"] == TCP
    tries = np.where(tcp, rng.integers(1, 4, len(rows)), 1)
    first = np.where(tcp, 66, np.minimum(rows["sent"], 1_300))  # the size of one SYN, or of the one datagram
    for fate, packets in ((REFUSED, 1), (LOST, tries), (DENIED, 1)):
        hit = rows["fate"] == fate
        rows["packets_sent"] = np.where(hit, packets, rows["packets_sent"])
        rows["sent"] = np.where(hit, first * packets, rows["sent"])
        rows["packets_received"] = np.where(hit, int(fate == REFUSED), rows["packets_received"])
        rows["received"] = np.where(hit, 60 * int(fate == REFUSED), rows["received"])
    rows["app"][tcp & ((rows["fate"] == REFUSED) | (rows["fate"] == LOST))] = APP_CODE["incomplete"]
    rows["app"][rows["fate"] == DENIED] = APP_CODE["not-applicable"]
    waited = np.where(tcp, np.array([0, 1, 3, 7])[tries] + 5, 0)
    rows["elapsed"] = np.select(
        [(rows["fate"] == REFUSED) | (rows["fate"] == DENIED), rows["fate"] == LOST], [0, waited], rows["elapsed"]
    )
    rows["reason"] = np.select(
        [rows["fate"] == REFUSED, rows["fate"] == LOST, rows["fate"] == DENIED],
        [RST_SERVER, AGED_OUT, POLICY_DENY],
        rows["reason"],
    )
