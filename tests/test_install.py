"""What installs the environments takes packages from where pip is set to take them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.checkout import ROOT

pytestmark = pytest.mark.slow


class Index(BaseHTTPRequestHandler):
    """An index of packages that has none, and notes what it is asked for."""

    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_the_index_is_that_of_pip(tmp_path: Path) -> None:
    environment, lock = tmp_path / "environment", tmp_path / "lock.txt"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    lock.write_text(f"some-package==1.2.3 --hash=sha256:{'0' * 64}\n")
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        variables = {"PIP_INDEX_URL": f"http://127.0.0.1:{server.server_port}/mine/simple", "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(
            ["requirements/install.sh", environment, lock],
            cwd=ROOT,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        server.shutdown()
    assert done.returncode != 0 and "some-package" in done.stderr
    assert Index.asked == ["/mine/simple/some-package/"]
