"""What the states of Zeek's connections mean in the terms of firewalls."""

from __future__ import annotations

from common.logs import values

END_REASONS = {
    "SF": "tcp-fin",
    "RSTO": "tcp-rst-from-client",
    "RSTOS0": "tcp-rst-from-client",
    "RSTR": "tcp-rst-from-server",
    "RSTRH": "tcp-rst-from-server",
    "REJ": "tcp-rst-from-server",
}
"""Session end reason of a TCP connection by its `conn_state`; in all other states it timed out."""

NO_HANDSHAKE = frozenset({"S0", "REJ", "SH", "SHR", "RSTOS0", "RSTRH"})
"""States of TCP connections that were never established; a firewall logs their application as incomplete."""

CONSTANTS = {"subtype": "end", "action": "allow"}
"""What holds for every connection: Zeek logs it when it has ended, and sees what was allowed."""


def end_reason(protocol: str | None, state: str | None) -> str:
    """The session end reason of a connection."""
    return END_REASONS.get(_state(state), "aged-out") if _is_tcp(protocol) else "aged-out"


def application(protocol: str | None, state: str | None, service: str | None) -> str | None:
    """The application of a connection."""
    return service or ("incomplete" if _is_tcp(protocol) and _state(state) in NO_HANDSHAKE else None)


def _is_tcp(protocol: str | None) -> bool:
    return (values.lower(protocol) or "") in ("tcp", "6")


def _state(state: str | None) -> str:
    return (state or "").strip().upper()
