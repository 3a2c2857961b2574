"""Takes the pictures of docs/analyst.md again, from the page and the training report of a demo."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browsing import Opened, chromium

FOLDER = Path(__file__).parent / "analyst"
DESK: dict[str, Any] = {"viewport": {"width": 1100, "height": 800}}
PHONE: dict[str, Any] = {"viewport": {"width": 375, "height": 800}}
PAPER: dict[str, Any] = {"viewport": {"width": 1032, "height": 703}}
"""A4 on its side, less its margins."""

HIGHEST = 1000
"""Of a long page, so many pixels from the top are shown."""

COLOURS = 128
CASE = "brute force"
"""The technique of the case that is shown."""


def take(demo: Path) -> dict[str, bytes]:
    """The pictures as PNG, by their names; views of a page that is open one after the other."""
    with chromium() as browser:
        found = {name: picture(page) for name, page in _views(browser, demo / "page.html")}
        reader = _open(browser, demo / "page.html", DESK)
        reader.page.evaluate("location.hash = 'model'")
        run = reader.page.locator("#view code").first.text_content()
        report = Opened(browser, demo / "lake" / "models" / "demo" / str(run) / "report.html", **DESK)
        return found | {"report": picture(report.page)}


def _views(browser: Browser, file: Path) -> Iterator[tuple[str, Page]]:
    page = _open(browser, file, DESK).page
    yield "today", page
    for name, hash_ in _hashes(page).items():
        page.evaluate("hash => { location.hash = hash }", hash_)
        page.wait_for_function("!document.getElementById('view').hidden")
        yield name, page
    for name, context in (("phone", PHONE), ("dark", DESK | {"color_scheme": "dark"}), ("print", PAPER)):
        page = _open(browser, file, context).page
        if name == "print":
            page.emulate_media(media="print")
        if name == "dark":
            page.evaluate("hash => { location.hash = hash }", _hashes(page)["case"])
        yield name, page


def _open(browser: Browser, file: Path, context: dict[str, Any]) -> Opened:
    opened = Opened(browser, file, **context)
    opened.page.locator("html[data-ready]").wait_for(state="attached")
    return opened


def _hashes(page: Page) -> dict[str, str]:
    """Where the views are: those of a case, of its source and of its segment, and those of the whole page."""
    row = page.locator("#cases tbody tr", has_text=CASE).first
    case, source = row.get_attribute("data-case"), row.locator("a").first.text_content()
    segment = page.evaluate(
        "id => { location.hash = 'case=' + id; return new Promise(done => setTimeout(() => done("
        "document.querySelector('#view a[href^=\"#segment=\"]').hash.slice(1)), 100)); }",
        case,
    )
    return {"case": f"case={case}", "host": f"host={source}", "segment": segment, "health": "health", "model": "model"}


def picture(page: Page) -> bytes:
    """What the page shows, from its top, as PNG of few colours."""
    taken = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    shown = taken.crop((0, 0, taken.width, min(taken.height, HIGHEST)))
    packed = io.BytesIO()
    shown.quantize(COLOURS, dither=Image.Dither.NONE).save(packed, "png", optimize=True)
    return packed.getvalue()


def main() -> None:
    """Writes the pictures of the demo in a folder, `demo` without any."""
    for name, content in take(Path(sys.argv[1] if len(sys.argv) > 1 else "demo").resolve()).items():
        (FOLDER / f"{name}.png").write_bytes(content)


if __name__ == "__main__":
    main()
