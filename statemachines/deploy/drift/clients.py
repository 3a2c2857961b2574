"""The clients of AWS with which resources are read, several at once."""

from __future__ import annotations

from threading import Lock
from typing import Any

from common.aws.clients import client


class Clients:
    """A client of each service, made when it is first asked for: making one takes longer than a call."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}
        self._lock = Lock()

    def __call__(self, service: str) -> Any:
        """The client of a service."""
        with self._lock:
            if service not in self._made:
                self._made[service] = client(service)
            return self._made[service]
