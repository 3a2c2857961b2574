"""The report of a training as its readers have it: the decision, gates, the current model, members."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import pytest

from common.detection.inputs import model_features
from common.detection.registry.artifacts import load_model
from common.detection.registry.pointer import model_store
from jobs.if_training.html_report import Decided, html_report
from jobs.if_training.report_words import decision_of, gate_rows, habit_rows, member_rows, number
from jobs.if_training.validation import Validation
from tests.browsing import Opened, chromium
from tests.factories import SPEC
from tests.jobs.if_training.conftest import FAST, Lifecycle, second

SCRIPT = "<script>document.title='owned'</script>"
DEPLOYED = {"status": "deployed", "reason": "", "provisional": False, "promotion": "gated", "gates": []}
REFUSED_GATE = {"name": "alert_share", "value": 0.25, "bound": "<= 0.02", "verdict": "refused", "reason": ""}


def rows_of(page: str, caption: str) -> list[list[str]]:
    """The cells of the table with that caption, without markup."""
    table = page[page.index(caption) :]
    body = table[table.index("<tbody>") : table.index("</tbody>")]
    return [[re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
            for row in re.findall(r"<tr>(.*?)</tr>", body)]  # fmt: skip


@pytest.mark.slow
def test_the_page_says_what_was_decided_and_why(first: Lifecycle) -> None:
    assert "Not decided yet" in first.path("report.html").read_text()
    first.run("deploy")
    page = first.path("report.html").read_text()
    assert "Deployed, provisionally" in page and "There is none that it was compared with" in page
    other = second(first)
    other.parameters(training=FAST | {"min_relative_improvement": 9.0})
    other.fail("deploy")
    page = other.path("report.html").read_text()
    assert "The current model stays. 1 gate refused it." in page
    gates = {row[0]: row[1:] for row in rows_of(page, "What was found")}
    deployed, report = other.artifact("deploy"), other.artifact("train")
    found = next(gate["value"] for gate in deployed["gates"] if gate["name"] == "improvement")
    title = "better than the current model at synthetic anomalies, in average precision"
    assert gates[title] == [f"{found:.2%}", "at least 900.00%", "refused"]
    assert gates["windows of the block in which pairs alone would alert"][2].startswith(
        "not applied: the training range"
    )
    compared = {row[0]: row[1:] for row in rows_of(page, "The model that it would replace is")}
    own = report["validation"]["average_precision"]
    assert compared["average precision on the same rows"] == [f"{own:,.4g}", f"{own / (1 + found):,.4g}"]
    assert compared["trained on"] == [report["request"]["training_window"]] * 2
    assert not re.search(r"[{\[]'|': ", page)  # no printed dictionary or list
    assert page.index("Refused") < page.index("Gates") < page.index("Against") < page.index("Members")


@pytest.mark.parametrize(
    ("artifact", "level", "title", "words"),
    [
        (DEPLOYED, "good", "Deployed", "It became the current model. No gate refused it."),
        (DEPLOYED | {"provisional": True}, "warn", "Deployed, provisionally", "It became the current model. No gate"),
        (
            DEPLOYED | {"promotion": "always", "gates": [REFUSED_GATE]},
            "warn",
            "Deployed",
            "It became the current model. 1 gate refused it. The project's promotion is always.",
        ),
        (
            DEPLOYED | {"status": "refused", "gates": [REFUSED_GATE] * 2},
            "bad",
            "Refused",
            "The current model stays. 2 gates refused it.",
        ),
        (
            {"status": "rolled back", "reason": "model a was rolled back", "gates": []},
            "bad",
            "Not deployed",
            "The current model stays: model a was rolled back.",
        ),
    ],
)
def test_decisions_in_words(artifact: dict[str, Any], level: str, title: str, words: str) -> None:
    decision = decision_of(artifact)
    assert (decision["level"], decision["title"]) == (level, title)
    assert decision["words"].startswith(words)


def test_gates_in_words() -> None:
    unknown = {"name": "new_gate", "value": 1.0, "bound": ">= 2", "verdict": "passed", "reason": ""}
    first, other = gate_rows({"gates": [REFUSED_GATE, unknown]})
    assert first == {
        "gate": "rows of the validation block that would alert",
        "found": "25.00%",
        "wanted": "at most 2.00%",
        "verdict": "refused",
        "kind": "refused",
    }
    assert (other["gate"], other["wanted"]) == ("new gate", "at least 2")


def test_odd_habits_in_words() -> None:
    habit = {"host_ip": "10.0.0.5", "network": "203.0.113.0/24", "port": 4444, "days": 5, "decades": 12.346}
    words = ("10.0.0.5", "203.0.113.0/24, port 4444", "5", "12.35")
    assert habit_rows({"pairs": {"odd_habits": [habit]}}) == [words]
    assert habit_rows({"pairs": {"reason": "the training range has no pairs"}}) == habit_rows({}) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (True, "yes"), (0.123456, "0.1235"), (12_345, "12,345"), ("x", "x"), (1e-6, "1e-06")],
)
def test_numbers(value: Any, text: str) -> None:
    assert number(value) == text


def drawn(made: Lifecycle, run_id: str) -> str:
    """The page of a run of that name, refused, whose reasons are hostile too."""
    store = model_store(str(made.lake), "local")
    model = load_model(store, made.run_id, model_features(SPEC).names, {})
    report = made.artifact("train")
    validation = Validation.from_bytes(made.path("validation.npz").read_bytes(), report["validation"])
    gate = REFUSED_GATE | {"reason": SCRIPT}
    decided = Decided(DEPLOYED | {"status": "refused", "gates": [gate], "compared_with": SCRIPT}, report, 0.5)
    hosts = made.artifact("reverify")["hosts"]
    return html_report(run_id, report, model.detector, validation, hosts, decided)


@pytest.mark.slow
def test_members_are_those_of_the_detector_by_weight(first: Lifecycle) -> None:
    detector = load_model(model_store(str(first.lake), "local"), "run-1", model_features(SPEC).names, {}).detector
    rows = member_rows(detector, first.artifact("train")["validation"])
    # without pairs, the features count in full: 1 and 0.25, as parameters.yaml has them
    assert [row[:2] for row in rows] == [("rarity", "1"), ("forest", "0.25"), ("pairs", "0"), ("spread", "0")]
    assert rows[2][3] == rows[3][3] == "not trained: the training range has no pairs"
    assert rows[1][3].startswith("average precision 0.")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_browser_shows_it_and_asks_nobody(
    first: Lifecycle, tmp_path: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    file = tmp_path / "report.html"
    file.write_text(drawn(first, SCRIPT), encoding="utf-8")
    assert drawn(first, SCRIPT) == file.read_text(encoding="utf-8")
    with chromium() as browser:
        opened = Opened(browser, file, viewport={"width": width, "height": 800}, color_scheme=scheme)
        assert opened.page.title().startswith("Training <script>")
        assert opened.page.locator("h1").text_content() == f"Training {SCRIPT}"
        assert opened.overhang() <= 0
        for path in opened.page.locator("figure > svg > path").all():
            assert (path.bounding_box() or {"width": 0})["width"] > 0
        opened.page.emulate_media(media="print")
        assert opened.page.locator("h1").is_visible()
        opened.close()
