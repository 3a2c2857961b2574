"""Verdicts on the page that is served."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.common.detection.alerts.alerting_lake import PAIR, write_alerts
from tests.common.detection.model_lake import host
from tests.tools.page.hostile import related_lake
from tests.tools.page.serving import serving

pytestmark = pytest.mark.slow


def test_verdicts_are_given_on_the_page_that_is_served(browser: Browser, tmp_path: Path) -> None:
    """The second of two tabs is told what the first has done."""
    with serving(related_lake(tmp_path / "lake")) as (address, _):
        tabs = [browser.new_page() for _ in range(2)]
        for tab in tabs:
            tab.goto(address)
            tab.get_by_role("link", name=host(3)).first.click()
            tab.select_option("#t-status", "expected")
            tab.fill("#t-note", "a test")
        tabs[0].click("#t-preview")
        expect(tabs[0].locator("#t-said")).to_contain_text("This hides 1 case")
        tabs[0].get_by_role("button", name="Save").click()
        expect(tabs[0].locator("#t-said")).to_contain_text("Saved")
        tabs[1].get_by_role("button", name="Save").click()
        expect(tabs[1].locator("#t-said")).to_contain_text("ann has marked case")
        expect(tabs[0].locator("#t-now")).to_have_text("Status: expected")
        tabs[0].get_by_role("link", name="Today").click()
        expect(tabs[0].locator("#today-title")).to_have_text("1 case, 1 hidden by triage")
        assert tabs[0].locator("#cases tbody tr:not([hidden])").count() == 1
        tabs[0].check("#with-hidden")
        expect(tabs[0].locator("#cases tr[data-hidden] td:last-child")).to_have_text("expected")
        tabs[0].locator("#cases tr[data-hidden] a").click()
        tabs[0].select_option("#t-status", "true")
        tabs[0].fill("#t-note", "no test")
        tabs[0].get_by_role("button", name="Save").click()
        expect(tabs[0].locator("#today-title")).to_have_text("2 cases")
        tabs[0].select_option("#t-status", "expected")
        tabs[0].fill("#t-note", "a test again")
        tabs[0].get_by_role("button", name="Save").click()
        expect(tabs[0].locator("#t-said")).to_contain_text("Saved")
        tabs[1].goto(address)
        tabs[1].reload()
        assert "1 case, 1 hidden by triage" in (tabs[1].locator("h1").first.text_content() or "")
        for tab in tabs:
            tab.close()


def test_what_is_below_the_line_is_one_click_away_and_takes_verdicts(browser: Browser, tmp_path: Path) -> None:
    """A candidate is counted apart, is no row of the cases, and is put away like one."""
    low = PAIR | {"peer_ip": "203.0.113.77"}
    write_alerts(tmp_path / "lake", [(0, 3, PAIR), (1, 4, low)], [0.9999, 0.9985])
    with serving(tmp_path / "lake") as (address, _):
        page = browser.new_page()
        page.goto(address)
        expect(page.locator("#today-title")).to_have_text("1 case")
        assert page.locator("#cases tbody tr").count() == 1
        expect(page.locator("#volume figcaption")).to_contain_text("at most 1 a day, never more than the budget of 20")
        page.get_by_role("link", name="1 candidate just below the line").click()
        expect(page.locator("#view tbody tr")).to_contain_text([f"{host(4)} met 203.0.113.77 on port 443"])
        page.locator("#view tbody a").first.click()
        expect(page.locator("#view h1")).to_have_text(f"below the line 2.82: {host(4)}, beacon")
        page.select_option("#t-status", "expected")
        page.fill("#t-note", "an update server")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#t-said")).to_contain_text("hides 1 case")
        page.go_back()
        expect(page.locator("#view .empty")).to_have_text("None.")
        page.reload()
        assert page.get_by_role("link", name="below the line").count() == 0
        page.close()


def test_verdicts_need_three_keys_and_a_note(browser: Browser, tmp_path: Path) -> None:
    """The first case is expected, the second true; keys are letters again in the note, and none leads past the last."""
    with serving(related_lake(tmp_path / "lake")) as (address, lake):
        page = browser.new_page()
        page.goto(address)
        page.locator("html[data-ready]").wait_for(state="attached")
        for key in ("j", "Enter"):
            page.keyboard.press(key)
        for key, note, status in (("e", "a jest", "expected"), ("t", "4711", "true")):
            page.locator("#t-status").wait_for()
            page.keyboard.press(key)
            page.keyboard.type(note)
            page.keyboard.press("Enter")
            expect(page.locator("#t-said")).to_contain_text("Saved")
            expect(page.locator("#t-now")).to_have_text(f"Status: {status}")
            address_of_case = page.url
            page.keyboard.press("j")
        assert page.url == address_of_case
        said = sorted((row["status"], row["note"]) for row in lake.arrow("triage").to_pylist())
        assert said == [("expected", "a jest"), ("true", "4711")]
        page.keyboard.press("k")  # the one before is hidden now
        assert page.url == address_of_case
        page.close()


def test_candidates_are_stepped_through_as_cases_are(browser: Browser, tmp_path: Path) -> None:
    low = [PAIR | {"peer_ip": f"203.0.113.{place}"} for place in (77, 78)]
    write_alerts(tmp_path / "lake", [(0, 3, PAIR), (1, 4, low[0]), (2, 5, low[1])], [0.9999, 0.9985, 0.998])
    with serving(tmp_path / "lake") as (address, _):
        page = browser.new_page()
        page.goto(f"{address}#below")
        page.locator("#view tbody a").first.click()
        for key, source in (("j", host(5)), ("j", host(5)), ("k", host(4))):
            page.keyboard.press(key)
            expect(page.locator("#view h1")).to_contain_text(source)
        page.close()
