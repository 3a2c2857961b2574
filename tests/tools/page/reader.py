"""A page that is open in a browser."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.browsing import Opened
from tests.commands import call
from tools.page.cli import main

WIDTHS = {"desk": 1280, "phone": 375, "small": 360}


def made(lake: Path, *options: str) -> Path:
    """The page of a lake, in a file beside it."""
    file = lake.parent / f"{lake.name}.html"
    code, _, error = call(main, "--lake", str(lake), "--out", str(file), *options)
    assert code == 0, error
    return file


class Reader(Opened):
    """A page that is open, and ready."""

    def __init__(self, browser: Browser, file: Path, **context: Any) -> None:
        super().__init__(browser, file, **context)
        self.page.locator("html[data-ready]").wait_for(state="attached")

    def shown(self) -> list[str]:
        """The sources of the cases that are listed."""
        return self.page.locator("#cases tbody tr:not([hidden]) a").all_text_contents()

    def cases(self) -> list[str]:
        """The ids of the cases."""
        found: list[str] = self.page.locator("#cases tbody tr").evaluate_all(
            "rows => rows.map(row => row.dataset.case)"
        )
        return found


def shown(moment: datetime) -> str:
    """A time as the page writes it."""
    return f"{moment:%Y-%m-%d %H:%M}"
