"""The error of ndr-local."""

from __future__ import annotations

from common.errors import NdrError


class LocalAwsError(NdrError):
    """The local AWS cannot be started, stopped or reached."""


class PortTakenError(LocalAwsError):
    """Another program was faster to take the port."""
