"""A browser and pages for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browsing import chromium
from tests.common.detection.alerts.alerting_lake import write_alerts
from tests.tools.page.findings import findings_lake
from tests.tools.page.hostile import graph_lake, hostile_lake, related_lake
from tests.tools.page.reader import made


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A browser for all tests of the page."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="package")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of lakes: with hostile names, with related cases, with findings, with a graph, and without cases."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "none").mkdir()
    write_alerts(folder / "none", [])
    of_names = {"hostile": hostile_lake, "related": related_lake, "findings": findings_lake, "graph": graph_lake}
    lakes = [make(folder / name) for name, make in of_names.items()]
    return {lake.name: made(lake) for lake in (*lakes, folder / "none")}
