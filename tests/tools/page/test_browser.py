"""The page in a browser, as a reader has it: with a mouse, a keyboard, a phone, in the dark, and printed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from common.windows import iso
from tests.browsing import Opened, chromium
from tests.commands import call
from tests.common.detection.alerts.alerting_lake import PAIR, WHOLE, write_alerts
from tests.common.detection.model_lake import host
from tests.tools.page.findings import BAD, QUIET, STRANGER, findings_lake
from tests.tools.page.hostile import SCRIPT, beacon_lake, hostile_lake, related_lake
from tests.tools.page.serving import serving
from tools.page.cli import main

pytestmark = pytest.mark.slow
WIDTHS = {"desk": 1280, "phone": 375, "small": 360}
PAPER = 1032
"""The width of A4 on its side, less its margins, in pixels of CSS."""

LINES = """elements => elements.map(element => {
  const range = document.createRange();
  range.selectNodeContents(element.firstChild);
  return range.getClientRects().length;
})"""
"""On how many lines the first words of elements are."""

HEADS = ["Rank", "Severity", "Source", "Resembles", "What happened", "First seen", "Last seen", "Score", "Status"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all tests of the page."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of a lake with hostile names, of one with related cases, and of one without cases."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "none").mkdir()
    write_alerts(folder / "none", [])
    lakes = {"hostile": hostile_lake(folder / "hostile"), "related": related_lake(folder / "related")}
    lakes["findings"] = findings_lake(folder / "findings")
    found = {}
    for name, lake in (lakes | {"none": folder / "none"}).items():
        found[name] = folder / f"{name}.html"
        code, _, error = call(main, "--lake", str(lake), "--out", str(found[name]))
        assert code == 0, error
    return found


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


def test_a_segment_is_one_click_from_its_cases(browser: Browser, files: dict[str, Path]) -> None:
    reader = Reader(browser, files["related"])
    page = reader.page
    page.locator("#cases tbody a").first.click()
    page.locator('#view a[href^="#segment="]').click()
    expect(page.locator("#view h1")).to_contain_text("Segment ")
    assert page.locator("#view h2").all_text_contents() == ["Last 30 days", "Cases", "Hosts"]
    assert page.locator('#view a[href^="#case="]').count() > 0
    page.evaluate("location.hash = '#segment=192.0.2.0/24'")
    expect(page.locator("#view h1")).to_have_text("No such segment")
    assert reader.wrong == []
    reader.close()


def test_findings_besides_cases_are_one_click_away(browser: Browser, files: dict[str, Path]) -> None:
    reader = Reader(browser, files["findings"])
    page = reader.page
    assert reader.shown() == [host(3), host(4)]  # of one severity, what is about an indicator comes first
    for query, found in (
        ("criticality:critical", [host(4)]),
        ("role:controller", [host(4)]),
        ("indicator:feodo", [host(3)]),
    ):
        page.fill("#query", query)
        assert reader.shown() == found, query
    page.get_by_role("link", name=host(3)).click()
    expect(page.locator("#view")).to_contain_text(f"{BAD} is in feodo since 2026-02-01")
    expect(page.locator("#view")).to_contain_text(SCRIPT)
    page.go_back()
    page.get_by_role("link", name="1 contact with indicators").click()
    expect(page.locator("#view tbody tr")).to_contain_text([QUIET])
    page.go_back()
    page.get_by_role("link", name="1 address in no inventory").click()
    expect(page.locator("#view tbody tr")).to_contain_text([STRANGER])
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


def test_the_gaps_of_a_beacon_are_drawn(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    code, _, error = call(main, "--lake", str(beacon_lake(tmp_path / "lake")), "--out", str(file))
    assert code == 0, error
    reader = Reader(browser, file, viewport={"width": WIDTHS["phone"], "height": 400})
    reader.page.locator("#cases tbody a").first.click()
    drawn = reader.page.locator("#rhythm")
    expect(drawn).to_contain_text(f"{host(3)} to {PAIR['peer_ip']}:443")
    expect(drawn).to_contain_text(
        "median 0.667 min, half of them 0.667 to 0.667 min, at most 1 min. Evenness of 19 gaps: 0.84"
    )
    expect(drawn.locator("circle")).to_have_count(19)
    assert reader.overhang() == 0
    reader.close()


@pytest.mark.parametrize("width, scheme", [("desk", "light"), ("desk", "dark"), ("phone", "light")])
@pytest.mark.parametrize("name", ["hostile", "findings"])
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


def test_cases_are_saved_as_csv_and_json(browser: Browser, files: dict[str, Path]) -> None:
    reader = Reader(browser, files["hostile"])
    for button, begins in (("CSV", "case_id,severity"), ("JSON", "[")):
        with reader.page.expect_download() as saved:
            reader.page.get_by_role("button", name=button, exact=True).click()
        text = Path(saved.value.path()).read_text(encoding="utf-8")
        assert text.startswith(begins) and all(host(place) in text for place in (3, 4, 5, 6))
    assert reader.wrong == []


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


@pytest.mark.parametrize("name", ["hostile", "related", "findings"])
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


def test_what_is_not_known_is_not_shown(browser: Browser, files: dict[str, Path]) -> None:
    """The most critical machine is named where it is not the source; windows without scores are spans."""
    reader = Reader(browser, files["findings"])
    page = reader.page
    page.get_by_role("link", name=host(4)).click()
    expect(page.locator("#view .facts dt", has_text="criticality")).to_be_visible()
    assert page.locator("#view .facts dt", has_text="most critical machine").count() == 0
    assert "false" not in (page.locator("#view .facts").text_content() or "")
    page.locator("#view .facts").get_by_role("link", name=host(4)).click()
    expect(page.locator("#view .facts")).to_contain_text("m-4")
    reader.close()


def test_every_source_of_a_case_is_told_and_drawn(browser: Browser, tmp_path: Path) -> None:
    write_alerts(tmp_path / "lake", [(0, 3, PAIR), (1, 4, PAIR)])
    code, _, error = call(main, "--lake", str(tmp_path / "lake"), "--out", str(tmp_path / "page.html"))
    assert code == 0, error
    reader = Reader(browser, tmp_path / "page.html")
    page = reader.page
    expect(page.locator("#cases tbody tr")).to_contain_text([f"{host(3)} and {host(4)} met 203.0.113.9 on port 443"])
    page.locator("#cases tbody a").click()
    expect(page.locator("#view h1")).to_have_text(f"critical 4.0: {host(3)} and 1 more, beacon")
    drawn = page.locator("#view figcaption", has_text="score of").all_text_contents()
    assert sorted(words.split()[2] for words in drawn) == [host(3), host(4)]
    first, second = (f"{shown(WHOLE[at].start)} to {WHOLE[at].end:%H:%M}" for at in (0, 1))
    expect(page.locator("#view table").first.locator("td:last-child")).to_have_text([first, second])
    reader.close()


def test_windows_without_scores_are_spans(browser: Browser, tmp_path: Path) -> None:
    write_alerts(tmp_path / "lake", [(0, 3, PAIR)])
    first = WHOLE[0].start
    code, _, error = call(
        main, "--lake", str(tmp_path / "lake"), "--out", str(tmp_path / "page.html"),
        "--window", f"{iso(first - timedelta(hours=1))}/{iso(first + timedelta(minutes=15))}",
    )  # fmt: skip
    assert code == 0, error
    reader = Reader(browser, tmp_path / "page.html")
    reader.page.evaluate("location.hash = 'health'")
    missing = reader.page.locator("h2", has_text="Windows without scores").locator("+ p")
    expect(missing).to_have_text(f"{shown(first - timedelta(hours=1))} to {shown(first)}")
    reader.close()


def test_a_day_without_cases_says_so(browser: Browser, files: dict[str, Path]) -> None:
    reader = Reader(browser, files["none"])
    assert "No host alerted in" in (reader.page.locator("#today").text_content() or "")
    reader.page.emulate_media(media="print")
    assert not reader.page.locator("nav").is_visible()
    reader.close()


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
