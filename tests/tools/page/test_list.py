"""The list of cases in a browser: opened, sorted, filtered, saved, and by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.common.detection.model_lake import host
from tests.tools.page.hostile import SCRIPT
from tests.tools.page.reader import Reader

pytestmark = pytest.mark.slow


def test_hostile_names_are_shown_and_never_run(browser: Browser, files: dict[str, Path]) -> None:
    reader = Reader(browser, files["hostile"])
    page, title = reader.page, reader.page.title()
    assert len(reader.shown()) == 4
    page.get_by_role("link", name=host(3)).click()
    page.wait_for_selector("#view:not([hidden]) h1")
    page.locator("details summary").click()
    assert page.locator("#view", has_text=SCRIPT).count() == 1
    for view in ("hosts", f"host={host(4)}", "health", "model", "case=unknown", "nothing"):
        page.evaluate("hash => { location.hash = hash }", view)
        page.wait_for_timeout(50)
    assert page.title() == title
    assert page.locator("img").count() == 0
    reader.close()


def test_open_sort_filter_drill_and_back(browser: Browser, files: dict[str, Path]) -> None:
    reader = Reader(browser, files["hostile"])
    page = reader.page
    everything = reader.shown()
    page.get_by_role("button", name="Source").click()
    assert reader.shown() == sorted(everything)
    page.get_by_role("button", name="Source").click()
    assert reader.shown() == sorted(everything, reverse=True)
    assert page.locator("th[aria-sort=descending]").text_content() == "Source"
    for query, found in (
        (f"host:{host(3)}", [host(3)]),
        ("peer:203.0.113.4", [host(4)]),
        ("technique:beacon", everything),
        ("technique:scan", []),
        ("score:3.9", everything),
        ("score:9", []),
        ("port:443 status:new", everything),
        ("nonsense", []),
    ):
        page.fill("#query", query)
        assert sorted(reader.shown()) == sorted(found), query
        assert page.locator("#found").text_content() == f"{len(found)} case{'' if len(found) == 1 else 's'} shown"
    page.fill("#query", "")
    page.get_by_role("link", name=host(5)).click()
    heading = page.locator("#view h1")
    expect(heading).to_have_text(f"critical 4.0: {host(5)}, beacon")
    page.locator("#view .facts").get_by_role("link", name=host(5)).click()
    expect(heading).to_have_text(host(5))
    page.go_back()
    page.go_back()
    expect(page.locator("#today")).to_be_visible()
    expect(page.locator("#view")).to_be_hidden()
    reader.close()


def test_the_keyboard_is_enough(browser: Browser, files: dict[str, Path]) -> None:
    reader = Reader(browser, files["related"])
    page = reader.page
    for _ in range(2):
        page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.textContent") == reader.shown()[0]
    page.keyboard.press("Enter")
    page.wait_for_selector("#view:not([hidden])")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.locator("#view h2", has_text="Related").count() == 1
    page.go_back()
    page.keyboard.press("x")
    expect(page.locator("#t-now")).to_be_in_viewport()
    reader.close()


def test_cases_are_saved_as_csv_and_json(browser: Browser, files: dict[str, Path]) -> None:
    reader = Reader(browser, files["hostile"])
    for button, begins in (("CSV", "case_id,severity"), ("JSON", "[")):
        with reader.page.expect_download() as saved:
            reader.page.get_by_role("button", name=button, exact=True).click()
        text = Path(saved.value.path()).read_text(encoding="utf-8")
        assert text.startswith(begins) and all(host(place) in text for place in (3, 4, 5, 6))
    assert reader.wrong == []


def test_a_day_without_cases_says_so(browser: Browser, files: dict[str, Path]) -> None:
    reader = Reader(browser, files["none"])
    assert "No host alerted in" in (reader.page.locator("#today").text_content() or "")
    reader.page.emulate_media(media="print")
    assert not reader.page.locator("nav").is_visible()
    reader.close()
