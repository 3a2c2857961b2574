"""Hand-made sessions, each for one rule that a computation can get wrong."""

from __future__ import annotations

from typing import Any

from tests.factories import session, threat
from tests.oracle.edge_words import threats, words

Rows = list[dict[str, Any]]

LOOKBACK_BOUNDS = (
    *("10T13:08:00", "10T12:53:00", "10T12:52:59.999999", "10T12:23:00", "10T12:22:59.999999"),
    *("10T05:23:00", "10T05:22:59.999999", "09T13:23:00", "09T13:22:59.999999"),
)


def edge_case_rows() -> Rows:
    """All cases, in the order of the functions below."""
    return [
        *kinds_of_records(),
        *addresses(),
        *values(),
        *bounds(),
        *gaps(),
        *novelty(),
        *calendar(),
        *words(),
        *threats(),
    ]


def kinds_of_records() -> Rows:
    """What counts, and how often. Host 10.1.1.x."""
    copy = session(src_ip="10.1.1.2", session_id="77", sequence_number=7)
    no_sequence = session(src_ip="10.1.1.4", session_id="78", sequence_number=None)
    nameless = session(src_ip="10.1.1.3", session_id="0", sequence_number=None)
    alert = threat(src_ip="10.1.1.6", session_id="0", sequence_number=90)
    unnumbered = threat(src_ip="10.1.1.11", session_id="91", sequence_number=None)
    return [
        # a start log, by its status and by its subtype: never counted, in host 10.1.1.1 nor anywhere
        session(src_ip="10.1.1.1", subtype="start", status="uncounted", session_end_reason=None),
        # an exact duplicate in a later line, and one in a later line of an earlier file, with other bytes: that counts
        copy,
        {**copy, "source_line": copy["source_line"] + 5000, "status": "duplicate"},
        {**copy, "source_file": "earlier.csv", "source_line": 10**9, "bytes_sent": 5},
        # the same session id and sequence number at another start, of another subtype and device: all count
        {**copy, "start_ts": session(end_ts="2026-03-10T13:14:59")["start_ts"], "source_line": 6001},
        {**copy, "subtype": "drop", "action": "drop", "source_line": 6002},
        {**copy, "device_serial": "007200002", "source_line": 6003},
        # neither sequence number nor session id (0, null): equal records cannot be told apart, four count
        nameless,
        {**nameless, "source_line": 6004},
        {**nameless, "session_id": None, "source_line": 6005},
        {**nameless, "session_id": None, "source_line": 6006},
        # a session id alone is enough to be a duplicate
        no_sequence,
        {**no_sequence, "source_line": 6007, "status": "duplicate"},
        # one record that stands for seven sessions: counts times seven, bytes and quantiles once
        session(src_ip="10.1.1.5", repeat_count=7, bytes_sent=700, duration_s=7.0),
        session(src_ip="10.1.1.5", repeat_count=1, bytes_sent=100, duration_s=0.5),
        # THREAT records: alert counts, reset does not; a host that has nothing else still has a row
        alert,
        {**alert, "source_line": 6008, "status": "duplicate"},
        # threats of one session without sequence numbers cannot be told apart: both count
        unnumbered,
        {**unnumbered, "source_line": 6009},
        threat(src_ip="10.1.1.6", action="reset-both", severity="critical", repeat_count=3),
        # action alert of a TRAFFIC record counts as alert and as a session
        session(src_ip="10.1.1.7", action="alert"),
        # refusals: deny, drop, drop-icmp, three resets
        *(
            session(src_ip="10.1.1.8", action=action, bytes_received=0, session_end_reason="policy-deny")
            for action in ("deny", "drop", "drop-icmp", "reset-client", "reset-server", "reset-both")
        ),
        # allowed, but failed: reset by either end, incomplete, no reply; aged out is not a failure by itself
        session(src_ip="10.1.1.9", session_end_reason="tcp-rst-from-client"),
        session(src_ip="10.1.1.9", session_end_reason="tcp-rst-from-server", dst_port=8443),
        session(src_ip="10.1.1.9", app="incomplete", dst_port=22),
        session(src_ip="10.1.1.9", bytes_received=0, dst_port=8080),
        session(src_ip="10.1.1.9", session_end_reason="aged-out", protocol="udp", dst_port=53),
        # nothing known about outcome: null action, reason, app, subtype
        session(src_ip="10.1.1.10", action=None, session_end_reason=None, app=None, subtype=None),
    ]


def addresses() -> Rows:
    """Who is a host, in which role and segment. Hosts 10.2.x.x, 192.168.7.x and fd00:2::."""
    return [
        # only outbound, only inbound (from outside)
        session(src_ip="10.2.1.1"),
        session(src_ip="198.51.100.7", dst_ip="10.2.1.2", dst_port=443),
        # internal to internal: a row for each end; a session with itself: both roles of one host
        session(src_ip="10.2.1.3", dst_ip="10.2.2.4", dst_port=445),
        session(src_ip="10.2.1.5", dst_ip="10.2.1.5", dst_port=8080),
        # no internal end: no row anywhere; 172.16.0.0/12 is not internal in this project
        session(src_ip="198.51.100.7", dst_ip="172.16.1.1"),
        session(src_ip="10.2.1.6", dst_ip="172.16.1.1"),
        # IPv6: internal, its /64, to the outside and to a configured segment
        session(src_ip="fd00:2::1", dst_ip="2001:db8::7"),
        session(src_ip="fd00:2::1", dst_ip="fd00:9:0:1::2", dst_port=22),
        session(src_ip="fd00:2::1:0:0:1", dst_ip="fd00:2::1"),
        # nested segments: the longest prefix wins; vault and lab are high risk; the lab ends at .127
        session(src_ip="10.2.1.7", dst_ip="10.9.1.1", dst_port=1433),
        session(src_ip="10.2.1.7", dst_ip="10.9.8.1", dst_port=3389, repeat_count=2),
        session(src_ip="10.2.1.7", dst_ip="10.9.8.2", dst_port=3389),
        session(src_ip="10.2.1.7", dst_ip="192.168.7.127", dst_port=445),
        session(src_ip="10.2.1.7", dst_ip="192.168.7.128", dst_port=445),
        # a high-risk segment that is a plain /24, outside; a configured segment outside
        session(src_ip="10.2.1.7", dst_ip="203.0.112.5"),
        session(src_ip="10.2.1.7", dst_ip="203.0.113.5"),
        # a high-risk source seen from the inbound host
        session(src_ip="10.9.8.1", dst_ip="10.2.1.8", dst_port=135),
    ]


def values() -> Rows:
    """Zeros, nulls and extremes. Host 10.3.1.x."""
    nothing = dict.fromkeys(("bytes_sent", "bytes_received", "packets_sent", "packets_received"))
    return [
        # all bytes zero: shares of bytes and asymmetry are 0, not a division by zero
        session(src_ip="10.3.1.1", bytes_sent=0, bytes_received=0, packets_sent=0, packets_received=0, duration_s=0.0),
        # null bytes and packets add nothing and are not a zero reply; null bytes with zero packets are one
        session(src_ip="10.3.1.2", **nothing),
        session(src_ip="10.3.1.2", **{**nothing, "packets_received": 0}),
        # bytes received without packets are a reply
        session(src_ip="10.3.1.2", bytes_received=1, packets_received=0),
        # a null among numbers: quantiles over the others
        session(src_ip="10.3.1.3", bytes_sent=None, duration_s=None),
        session(src_ip="10.3.1.3", bytes_sent=10, duration_s=2.0),
        session(src_ip="10.3.1.3", bytes_sent=20, duration_s=4.0),
        # more bytes than 32 bits hold, in total more than 53 bits
        session(src_ip="10.3.1.4", bytes_sent=2**53, bytes_received=3),
        session(src_ip="10.3.1.4", bytes_sent=2**53, bytes_received=4),
        # ICMP of both versions has port 0; another protocol counts in no protocol column
        session(src_ip="10.3.1.5", protocol="icmp", dst_port=0, src_port=0, session_end_reason="aged-out"),
        session(src_ip="fd00:3::5", dst_ip="2001:db8::5", protocol="icmp", dst_port=0, src_port=0),
        session(src_ip="10.3.1.5", protocol="other", dst_port=0, src_port=0),
        # one port under two protocols: one port, two pair rows
        *(session(src_ip="10.3.1.6", protocol=protocol, dst_port=53) for protocol in ("tcp", "udp")),
        # short by a microsecond, not short
        *(session(src_ip="10.3.1.7", duration_s=seconds) for seconds in (0.999999, 1.0)),
        # ports in two sets (3389: high risk and admin), the highest port, one in none
        *(session(src_ip="10.3.1.8", dst_port=port) for port in (3389, 65535, 80)),
        # three peers with 4, 2 and 2 sessions: entropy 1.5 bits; top by sessions is not top by bytes
        session(src_ip="10.3.1.9", dst_ip="198.51.100.1", repeat_count=4, bytes_sent=10, bytes_received=10),
        session(src_ip="10.3.1.9", dst_ip="198.51.100.2", repeat_count=2, bytes_sent=50, bytes_received=10),
        session(src_ip="10.3.1.9", dst_ip="198.51.100.3", repeat_count=2, bytes_sent=10, bytes_received=10),
    ]


def bounds() -> Rows:
    """Windows, minutes and days to the microsecond. Host 10.4.1.x."""
    return [
        # exactly at the bound: the later window; a microsecond before: the earlier one
        *(
            session(src_ip="10.4.1.1", end_ts=f"2026-03-10T13:{end}", duration_s=1.0)
            for end in ("07:59.999999", "08:00", "22:59.999999", "23:00")
        ),
        # a session longer than the window, and one that starts on the day before it ends
        session(src_ip="10.4.1.2", duration_s=7200.0),
        session(src_ip="10.4.1.2", end_ts="2026-03-10T00:10:00", duration_s=1200.0),
        # midnight: 23:59:59.999999 and 00:00 lie in one window, of the day on which it starts
        session(src_ip="10.4.1.3", end_ts="2026-03-09T23:59:59.999999"),
        session(src_ip="10.4.1.3", end_ts="2026-03-10T00:00:00"),
        session(src_ip="10.4.1.3", end_ts="2026-03-10T00:08:00"),
        # the busiest minute: 13:09 has 3 by repeats, 13:10 has 2, split to the microsecond
        session(src_ip="10.4.1.4", end_ts="2026-03-10T13:09:00", repeat_count=2),
        session(src_ip="10.4.1.4", end_ts="2026-03-10T13:09:59.999999"),
        session(src_ip="10.4.1.4", end_ts="2026-03-10T13:10:00"),
        session(src_ip="10.4.1.4", end_ts="2026-03-10T13:10:59"),
        # look-backs: just inside and just outside 30 min, 1 h, 8 h and 24 h of the window that ends at 13:23
        *(
            session(src_ip="10.4.1.5", end_ts=f"2026-03-{end}", dst_ip=f"198.51.100.{number}")
            for number, end in enumerate(LOOKBACK_BOUNDS)
        ),
    ]


def gaps() -> Rows:
    """Gaps between session starts of one pair and slice. Host 10.5.1.x."""
    starts = ("13:08:10", "13:08:40", "13:09:40", "13:09:40", "13:09:40.25")
    return [
        # gaps 30, 60, 0 and 0.25 s, in another order than the ends: sum 90.25, squares 4500.0625
        *(
            session(src_ip="10.5.1.1", start_ts=f"2026-03-10T{start}", duration_s=100.0 - number)
            for number, start in enumerate(starts)
        ),
        # no gap across slices, ports, protocols or peers
        session(src_ip="10.5.1.2", start_ts="2026-03-10T13:10:00"),
        session(src_ip="10.5.1.2", start_ts="2026-03-10T13:30:00"),
        session(src_ip="10.5.1.2", start_ts="2026-03-10T13:10:07", dst_port=80),
        session(src_ip="10.5.1.2", start_ts="2026-03-10T13:10:11", protocol="udp"),
        session(src_ip="10.5.1.2", start_ts="2026-03-10T13:10:13", dst_ip="198.51.100.8"),
        # a start before the slice begins, and a repeated record: one start a record
        session(src_ip="10.5.1.3", start_ts="2026-03-10T12:00:00", end_ts="2026-03-10T13:09:00"),
        session(src_ip="10.5.1.3", start_ts="2026-03-10T13:08:30", repeat_count=9),
    ]


def novelty() -> Rows:
    """New, rare and known peers and ports in the window that ends at 13:23 on 2026-03-10. Host 10.6.1.x."""

    def past(day: str, time: str = "10:00:00", **overrides: Any) -> dict[str, Any]:
        return session(end_ts=f"2026-{day}T{time}", **overrides)

    host = "10.6.1.1"
    return [
        # peer .1 known on two days, .2 rare (one day, twice), .3 new; port 443 known, 22 rare, 8443 new
        past("03-05", src_ip=host, dst_ip="198.51.100.1"),
        past("03-06", src_ip=host, dst_ip="198.51.100.1"),
        past("03-06", "09:00:00", src_ip=host, dst_ip="198.51.100.2", dst_port=22),
        past("03-06", "11:00:00", src_ip=host, dst_ip="198.51.100.2", dst_port=22),
        session(src_ip=host, dst_ip="198.51.100.1"),
        session(src_ip=host, dst_ip="198.51.100.2", dst_port=22),
        session(src_ip=host, dst_ip="198.51.100.3", dst_port=8443),
        # known peer, known port, never together: only the (peer, port) is new
        session(src_ip=host, dst_ip="198.51.100.1", dst_port=22),
        # no history at all: nulls, in both roles; its peer 10.6.1.3 has history, in the other role only
        session(src_ip="10.6.1.2", dst_ip="10.6.1.3", dst_port=445),
        past("03-04", src_ip="10.6.1.3"),
        # known as a destination only: as a source of sessions to us it is new
        past("03-04", src_ip="10.6.1.4", dst_ip="198.51.100.9"),
        session(src_ip="198.51.100.9", dst_ip="10.6.1.4"),
        # 30 days before 13:08 on 10 March begin on 8 February: that day counts, the day before does not
        past("02-08", "00:08:00", src_ip="10.6.1.5", dst_ip="198.51.100.1"),
        past("02-08", "00:07:59.999999", src_ip="10.6.1.5", dst_ip="198.51.100.2"),
        session(src_ip="10.6.1.5", dst_ip="198.51.100.1"),
        session(src_ip="10.6.1.5", dst_ip="198.51.100.2"),
        # history of another host only is not history
        past("03-04", src_ip="10.6.1.6", dst_ip="198.51.100.1"),
        session(src_ip="10.6.1.7", dst_ip="198.51.100.1"),
        # seen within the look-back only: new to w_24h, known to w_15m
        past("03-10", "11:00:00", src_ip="10.6.1.8", dst_ip="198.51.100.1"),
        past("03-01", src_ip="10.6.1.8", dst_ip="198.51.100.4"),
        session(src_ip="10.6.1.8", dst_ip="198.51.100.1"),
        # one session over midnight's window and one after: both on the date on which their windows start
        past("03-05", "00:03:00", src_ip="10.6.1.9", dst_ip="198.51.100.1"),
        past("03-04", "23:00:00", src_ip="10.6.1.9", dst_ip="198.51.100.1"),
        session(src_ip="10.6.1.9", dst_ip="198.51.100.1"),
        # a THREAT record is not history
        threat(src_ip="10.6.1.10", end_ts="2026-03-05T10:00:00"),
        session(src_ip="10.6.1.10"),
    ]


def calendar() -> Rows:
    """Hours, bands and weekends of local time (New York: UTC-5 until 8 March 07:00 UTC, then UTC-4). Host 10.7.1.1."""
    return [
        session(src_ip="10.7.1.1", end_ts=f"2026-03-{moment}:00")
        for moment in (
            "07T13:10",  # Saturday 08:08 local: working hours, but weekend: off_hours band
            "08T06:55",  # Sunday 01:53 local, before the clock goes forward
            "08T07:10",  # Sunday 03:08 local, after it did
            "09T02:00",  # Sunday 21:53 local, Monday in UTC: weekend
            "09T04:10",  # Monday 00:08 local: night
            "09T10:55",  # Monday 06:53 local: the window starts before work, and ends within
            "09T11:10",  # Monday 07:08 local: work
            "09T20:55",  # Monday 16:53 local: work
            "09T21:10",  # Monday 17:08 local: off hours
            "10T01:55",  # Monday 21:53 local, Tuesday in UTC: off hours
            "10T02:10",  # Monday 22:08 local: night
        )
    ]
