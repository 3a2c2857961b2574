"""Configuration of ndr-sessions."""

from __future__ import annotations

from dataclasses import dataclass

from common.windows import Windows


@dataclass(frozen=True)
class SessionsConfig:
    """Whose sessions to print, of which windows, and how: those of a case, or between a host and a peer.

    Without `windows`, those of the case, or of the last day that has sessions.
    """

    lake_uri: str
    case: str | None
    host: str | None
    peer: str | None
    port: int | None
    windows: Windows | None
    top: int
    firewall_filter: bool
    min_score: float
    feature_spec_version: str | None
    form: str
