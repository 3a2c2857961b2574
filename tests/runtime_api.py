"""A small server that plays Lambda's Runtime API to a function."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

PATH = "/builder/2018-06-01/runtime/invocation"
HEADERS = {
    "Content-Type": "application/json",
    "Lambda-Runtime-Aws-Request-Id": "request-1",
    "Lambda-Runtime-Deadline-Ms": "4102444800000",
    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:builder",
    "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
}
"""awslambdaric's client crashes without a Content-Type, and counts nanoseconds, which end in 2262."""


@dataclass
class RuntimeApi:
    """Lambda's Runtime API: gives events, and takes what becomes of them."""

    url: str
    events: Queue[dict[str, Any]] = field(default_factory=Queue)
    answers: Queue[tuple[str, dict[str, Any]]] = field(default_factory=Queue)


@contextmanager
def serving() -> Iterator[RuntimeApi]:
    """The Runtime API on a port of 127.0.0.1."""

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = json.dumps(api.events.get()).encode()
            self.send_response(200)
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given)))
            self.end_headers()
            self.wfile.write(given)

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            api.answers.put((self.path, json.loads(content)))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        server.daemon_threads = True
        api = RuntimeApi(f"127.0.0.1:{server.server_port}/builder")  # the local AWS has a path, too
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield api
        server.shutdown()
