"""The container of a model that answers pings: `serve --model-folder FOLDER --address ADDRESS --port PORT`."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Pinged(BaseHTTPRequestHandler):
    """Answers each GET."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


if __name__ == "__main__":
    HTTPServer((sys.argv[-3], int(sys.argv[-1])), Pinged).serve_forever()
