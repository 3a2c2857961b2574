"""The page of a machine shows its way to success by steps, where failures lead, and what is inside its maps."""

from __future__ import annotations

import re
from typing import Any

import pytest

from statemachines.definitions import MACHINES, definition_of, states_of
from statemachines.generation.diagrams import page
from statemachines.generation.expansion import Machine
from statemachines.generation.files import PAGES, ROOT

STATES: dict[str, Any] = {
    "Read": {"Type": "Pass", "Next": "Check"},
    "Check": {
        "Type": "Choice",
        "Choices": [
            {"Condition": '{% $x < "a" %}', "Next": "Call"},
            {"Condition": "{% $a_name_that_is_too_long_to_be_shown_in_full = 1 %}", "Next": "Call"},
            {"Condition": "{% $y %}", "Next": "Failed"},
        ],
        "Default": "Done",
    },
    "Call": {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:putObject",
        "Catch": [
            {"ErrorEquals": ["S3.NoSuchKeyException"], "Next": "Read"},
            {"ErrorEquals": ["States.ALL"], "Next": "Clean"},
        ],
        "End": True,
    },
    "Clean": {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:deleteItem",
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}],
        "Next": "Failed",
    },
    "Failed": {"Type": "Fail"},
    "Done": {"Type": "Succeed"},
}
STEPS = {"Read it": ["Read", "Check"], "Call it": ["Call"], "End": ["Clean", "Failed", "Done"]}
CHARTS = [
    """\
flowchart TD
    subgraph step1["1. Read it"]
        Read("Read")
        Check{{"Check"}}
    end
    subgraph step2["2. Call it"]
        Call["Call<br/>s3 putObject"]
    end
    subgraph step3["3. End"]
        Done["Done"]
    end
    Read --> Check
    Check -->|"$x < 'a' or $a_name_that_is_too_long_to_…"| Call
    Check -->|"otherwise"| Done
    Call -.->|"NoSuchKey"| Read
    style Call fill:#d8f0d8,stroke:#3a7a3a,color:#000
    style Done fill:#d8f0d8,stroke:#3a7a3a,color:#000
""",
    """\
flowchart LR
    Clean["Clean<br/>dynamodb deleteItem"]
    Failed["Failed"]
    step1(["1. Read it"])
    step1 -.-> Failed
    step2(["2. Call it"])
    step2 -.-> Clean
    Clean --> Failed
    style Failed fill:#f6d5d5,stroke:#9a3a3a,color:#000
""",
]


def charts(text: str) -> list[str]:
    return re.findall(r"```mermaid\n%%[^\n]*\n(.*?)```", text, re.DOTALL)


def test_a_page_has_the_way_to_success_and_the_ways_of_failures() -> None:
    text = page("m", Machine({"Comment": "Does it.", "StartAt": "Read", "States": STATES}, STEPS))
    assert text.startswith("# m\n\n")
    assert "\n\nDoes it.\n\n" in text
    assert charts(text) == CHARTS


def test_the_machine_inside_a_map_has_a_chart_of_its_own() -> None:
    inner = {"Run": {"Type": "Wait", "Next": "Ran"}, "Ran": {"Type": "Succeed"}}
    states = {"All": {"Type": "Map", "ItemProcessor": {"StartAt": "Run", "States": inner}, "End": True}}
    text = page("m", Machine({"Comment": "c", "StartAt": "All", "States": states}, {"Run": ["All"]}))
    assert "\n\n## Each item of All\n\n" in text
    assert charts(text)[-1] == 'flowchart TD\n    Run(["Run"])\n    Ran["Ran"]\n    Run --> Ran\n'


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_of_our_machines_is_shown_once(machine: str) -> None:
    shown = re.findall(r'^ +(\w+)[\[({]+"', (ROOT / PAGES / f"{machine}.md").read_text(encoding="utf-8"), re.MULTILINE)
    names = [path.rpartition("/")[2] for path, _ in states_of(definition_of(machine))]
    assert sorted(name for name in shown if not re.fullmatch(r"step\d+", name)) == sorted(names)
