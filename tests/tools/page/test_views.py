"""The views behind the list, in a browser."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from common.windows import iso
from tests.common.detection.alerts.alerting_lake import PAIR, WHOLE, write_alerts
from tests.common.detection.model_lake import host
from tests.tools.page.findings import BAD, QUIET, STRANGER
from tests.tools.page.hostile import SCRIPT, beacon_lake
from tests.tools.page.reader import WIDTHS, Reader, made, shown

pytestmark = pytest.mark.slow


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


def test_the_gaps_of_a_beacon_are_drawn(browser: Browser, tmp_path: Path) -> None:
    file = made(beacon_lake(tmp_path / "lake"))
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
    reader = Reader(browser, made(tmp_path / "lake"))
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
    asked = f"{iso(first - timedelta(hours=1))}/{iso(first + timedelta(minutes=15))}"
    reader = Reader(browser, made(tmp_path / "lake", "--window", asked))
    reader.page.evaluate("location.hash = 'health'")
    missing = reader.page.locator("h2", has_text="Windows without scores").locator("+ p")
    expect(missing).to_have_text(f"{shown(first - timedelta(hours=1))} to {shown(first)}")
    reader.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_who_met_whom_is_drawn_and_told_as_a_table(browser: Browser, files: dict[str, Path], width: str) -> None:
    """Names that are long or look like elements stay in their boxes; every word of the picture is read aloud."""
    reader = Reader(browser, files["graph"], viewport={"width": WIDTHS[width], "height": 800})
    page = reader.page
    page.locator("#cases tbody a").click()
    picture = page.get_by_role("img", name="Who met whom")
    said = picture.locator("desc").text_content() or ""
    assert said.startswith(f"{host(3)} (xxx") and f"; {PAIR['peer_ip']} on port 443: 5 sessions, 0 failed" in said
    assert f"met {host(5)} ({SCRIPT}) on port 445: 30 sessions, 28 failed" in said
    expect(picture.locator(".link")).to_have_count(2)
    expect(picture.locator(".link.failing")).to_have_count(1)
    expect(picture.locator(".alerted + text")).to_contain_text(f"! {host(5)}")
    outside = """svg => [...svg.querySelectorAll("rect")].filter(box => {
      const name = box.nextElementSibling, right = box.getBoundingClientRect().right;
      return [name, name.nextElementSibling].some(text => text.getBoundingClientRect().right > right);
    }).map(box => box.nextElementSibling.textContent)"""
    assert picture.evaluate(outside) == []
    page.get_by_text("The same as a table").click()
    rows = page.get_by_role("region", name="Who met whom").locator("tbody tr")
    expect(rows.locator("td:nth-child(3)")).to_have_text(["port 445", "port 443"])
    expect(rows.locator("td:nth-child(5)")).to_have_text(["28", "0"])
    assert reader.overhang() <= 0
    reader.close()


def test_two_hosts_that_met_are_no_graph(browser: Browser, files: dict[str, Path]) -> None:
    reader = Reader(browser, files["hostile"])
    reader.page.locator("#cases tbody a").first.click()
    expect(reader.page.locator("#view h2", has_text="Whom")).to_be_visible()
    assert reader.page.locator("#graph").count() == 0
    reader.close()


def test_scores_of_more_than_the_day_are_drawn_with_the_case(browser: Browser, tmp_path: Path) -> None:
    write_alerts(tmp_path / "lake", [(0, 4, PAIR | {"peer_ip": "203.0.113.77"}), (3, 3, PAIR)])
    last = f"{iso(WHOLE[2].start)}/{iso(WHOLE[3].end)}"
    reader = Reader(browser, made(tmp_path / "lake", "--window", last))
    page = reader.page
    page.locator("#cases tbody a").click()
    expect(page.locator("figure.wide figcaption")).to_have_text(
        f"score of {host(3)} in 1 day, in decades: at most 4; "
        "from 3 on it alerts, from 2.7 on in the fourth window of a day"
    )
    expect(page.locator("figure.wide canvas")).to_be_visible()
    page.locator("#view .facts").get_by_role("link", name=host(3)).click()
    expect(page.locator("figure.wide")).to_have_count(1)
    reader.close()
