"""Records of one direction of a flow, as NetFlow and cloud networks write them.

A record has what one side sent, and does not say which side began. The answer of a server is recorded as a flow from
its service port to the client's port: read as a session, it would show the server as a client. So the record is read
as the answer, with its bytes as received, where the TCP flags show that its source accepted the connection (SYN and
ACK), or else where its source port is a system port (below 1024) and its destination port is not. Each record stays
a session of its own; what the other side sent is null.
"""

from __future__ import annotations

from common.logs import values

SYSTEM_PORTS = range(1, 1024)
SYN, SYN_ACK = 0x02, 0x12


def oriented(
    raw: dict[str, str | None], sent: str | None, packets: str | None, tcp_flags: int = 0
) -> dict[str, str | None]:
    """The session of a record: its endpoints in `raw`, and what its source sent.

    `tcp_flags` are those of the first packets, or 0 where they are unknown.
    """
    if not is_answer(raw, tcp_flags):
        return raw | {"bytes_sent": sent, "packets_sent": packets}
    turned = {
        "src_ip": raw["dst_ip"],
        "src_port": raw["dst_port"],
        "dst_ip": raw["src_ip"],
        "dst_port": raw["src_port"],
    }
    return raw | turned | {"bytes_received": sent, "packets_received": packets}


def is_answer(raw: dict[str, str | None], tcp_flags: int = 0) -> bool:
    """Whether the record has what the responder sent."""
    if values.protocol(raw["protocol"]) not in ("tcp", "udp"):
        return False
    if tcp_flags & SYN:
        return tcp_flags & SYN_ACK == SYN_ACK
    ports = [raw["src_port"] or "", raw["dst_port"] or ""]
    if not all(port.isdecimal() for port in ports):
        return False
    return int(ports[0]) in SYSTEM_PORTS and int(ports[1]) >= SYSTEM_PORTS.stop
