"""A page that is served while a block runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from common.detection.alerts.cases import last_days, scored_windows
from common.detection.alerts.terms import ALERT_SCORE
from common.lake.lake import Lake
from common.runtime.lake_project import lake_project
from tests.factories import SPEC
from tools.page.config import PageConfig
from tools.page.content import content
from tools.page.document import document
from tools.page.server import ADDRESS, Served, port_of, server_of


@contextmanager
def serving(folder: Path, by: str = "ann") -> Iterator[tuple[str, Lake]]:
    """The address of the page of a lake, and the lake."""
    lake = Lake(str(folder), SPEC)
    config = PageConfig(str(folder), None, None, 0, by, 50, 200, 20, ALERT_SCORE, None, None)

    def make() -> str:
        scored = scored_windows(lake)
        assert scored
        return document(content(lake, SPEC, lake_project(str(folder)), last_days(scored, 1.0), config), live=True)

    served = Served(lake, make, by, ALERT_SCORE)
    server = server_of(served, 0)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{ADDRESS}:{port_of(server)}/{served.token}/", lake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        served.log.shutdown()
