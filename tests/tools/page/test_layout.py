"""The page for every reader: on a desk, a phone and paper, in the dark, and read aloud."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.common.detection.model_lake import host
from tests.tools.page.reader import WIDTHS, Reader

pytestmark = pytest.mark.slow
PAPER = 1032
"""The width of A4 on its side, less its margins, in pixels of CSS."""

LINES = """elements => elements.map(element => {
  const range = document.createRange();
  range.selectNodeContents(element.firstChild);
  return range.getClientRects().length;
})"""
"""On how many lines the first words of elements are."""

HEADS = ["Rank", "Severity", "Source", "Resembles", "What happened", "First seen", "Last seen", "Score", "Status"]


@pytest.mark.parametrize("width, scheme", [("desk", "light"), ("desk", "dark"), ("phone", "light")])
@pytest.mark.parametrize("name", ["hostile", "findings", "graph"])
def test_axe_finds_nothing_in_any_view(
    browser: Browser, files: dict[str, Path], name: str, width: str, scheme: Literal["light", "dark"]
) -> None:
    reader = Reader(browser, files[name], viewport={"width": WIDTHS[width], "height": 800}, color_scheme=scheme)
    page, segment = reader.page, "segment=10.20.0.0/24"
    case, source = f"case={reader.cases()[0]}", f"host={reader.shown()[0]}"
    found = {}
    for view in ("", case, source, segment, "hosts", "below", "met", "strangers", "health", "model"):
        page.evaluate("hash => { location.hash = hash }", view)
        page.wait_for_timeout(50)
        expect(page.locator("h1:visible").first).not_to_contain_text("No such")
        found[view] = [rule["id"] for rule in Axe().run(page).response["violations"]]
    assert not any(found.values()), found
    reader.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["hostile", "none"])
def test_nothing_runs_over_the_edge(
    browser: Browser, files: dict[str, Path], name: str, width: str, scheme: Literal["light", "dark"]
) -> None:
    reader = Reader(browser, files[name], viewport={"width": WIDTHS[width], "height": 800}, color_scheme=scheme)
    for view in ("today", f"host={host(6)}", "health", "model", "segment=10.1.0.0/24"):
        reader.page.evaluate("hash => { location.hash = hash }", view)
        reader.page.wait_for_timeout(30)
        assert reader.overhang() <= 0, view
    reader.close()


@pytest.mark.parametrize("name", ["hostile", "related", "findings", "graph"])
def test_on_paper_tables_are_whole(browser: Browser, files: dict[str, Path], name: str) -> None:
    """A4 on its side, less the margins: all heads are there, no table runs over the edge, and no word is broken."""
    reader = Reader(browser, files[name], viewport={"width": PAPER, "height": 700})
    page = reader.page
    page.emulate_media(media="print")
    assert page.locator("#cases th:not(:empty)").all_inner_texts() == HEADS
    for view in ("today", "health", "model", *(f"case={case}" for case in reader.cases())):
        page.evaluate("hash => { location.hash = hash }", view)
        page.wait_for_timeout(30)
        assert reader.overhang() <= 0, view
    page.evaluate("location.hash = 'today'")
    expect(page.locator("#today")).to_be_visible()
    assert set(page.locator("#cases .severity, #cases td:last-child").evaluate_all(LINES)) == {1}
    reader.close()
