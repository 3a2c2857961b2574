"""Which ports are free, and who listens on the others."""

from __future__ import annotations

import os
import socket

from localaws.cli.ports import free_ports, listener, listens
from tests.localaws.running import free_port


def test_the_listener_of_a_port_is_named() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        assert not listens(port)
        server.listen()
        assert listens(port) and port not in free_ports(port)
        process = listener(port)
        assert process is not None and str(process).startswith(f"process {os.getpid()} (")
        assert process.variable("PATH") == os.environ["PATH"] and process.variable("NDR_NOTHING") is None


def test_a_free_port_has_no_listener() -> None:
    port = free_port()
    assert listener(port) is None and next(free_ports(port)) == port
