"""Another address of a server on this machine's loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

Look = Callable[[bytes], object]


def name_of(server: socket.socket) -> str:
    """Address and port of a server, as clients write them."""
    address, port = server.getsockname()
    return f"{address}:{port}"


def forward(server: socket.socket, port: int, look: Look = len) -> None:
    """Forwards what clients send to the server to a port of the loopback; `look` is called before, with each block."""
    threading.Thread(target=_accept, args=(server, port, look), daemon=True).start()


def _accept(server: socket.socket, port: int, look: Look) -> None:
    while True:
        try:
            outside, _ = server.accept()
        except OSError:
            return
        inside = socket.create_connection(("127.0.0.1", port))
        for source, target, way in ((outside, inside, look), (inside, outside, len)):
            threading.Thread(target=_pump, args=(source, target, way), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket, look: Look) -> None:
    try:
        while block := source.recv(1 << 16):
            look(block)
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        target.close()
