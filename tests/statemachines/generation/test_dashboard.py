"""The dashboard shows all alarms, and each alarm names a paragraph that there is."""

from __future__ import annotations

import json
import re

import pytest

from statemachines.deploy.functions import parsed
from statemachines.generation.dashboard import alarms_of, with_dashboard
from statemachines.generation.files import ALARMS, ROOT

TEXT = (ROOT / ALARMS).read_text()
TEMPLATE = parsed(TEXT)
KINDS = (
    *("an-execution-did-not-succeed", "dead-letters", "files-wait", "a-table-refuses-requests", "a-window-is-late"),
    *("many-records-are-rejected", "a-glue-job-failed", "the-scores-drift"),
)


def anchors() -> set[str]:
    """The anchors of the headings of the page."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_each_alarm_names_a_paragraph_of_the_runbook() -> None:
    found = {alarm.anchor for alarm in alarms_of(TEMPLATE)}
    assert found == set(KINDS)
    assert found <= anchors()


def test_the_dashboard_shows_each_alarm_and_its_metric() -> None:
    body = json.loads(TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    shown = [arn.rpartition(":")[2] for widget in body["widgets"] for arn in widget["properties"].get("alarms", [])]
    alarms = list(alarms_of(TEMPLATE))
    assert sorted(shown) == sorted(alarm.name for alarm in alarms)
    metrics = [tuple(one) for widget in body["widgets"] for one in widget["properties"].get("metrics", [])]
    assert sorted(metrics) == sorted(alarm.metric for alarm in alarms)


def test_an_alarm_without_a_paragraph_is_refused() -> None:
    with pytest.raises(ValueError, match="late-window does not name a paragraph"):
        with_dashboard(TEXT.replace("docs/operations.md#a-window-is-late", "A window is late."))
    with pytest.raises(ValueError, match="not exactly one line DashboardBody"):
        with_dashboard(TEXT.replace("      DashboardBody: ", "      Body: "))
