"""Fragments and parameters come where they belong, and what is wrong is said with its place and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from statemachines.generation.expansion import Expander
from statemachines.generation.sources import SourceError, read_fragments

FRAGMENTS = """
retry: {about: a, defaults: {errors: [States.TaskFailed]}, value: [{ErrorEquals: <<errors>>, MaxAttempts: 5}]}
retry_unless:
  about: a
  parameters: [error]
  value:
    - {ErrorEquals: [<<error>>], MaxAttempts: 0}
    - <<retry>>
now: {about: a, value: "{% $millis() %}"}
field: {about: a, parameters: [name, default], value: "$exists($states.input.<<name>>) ? <<default>>"}
missing: {about: a, parameters: [needed], value: "{% <<needed>>[$not($ in $known)] %}"}
ended: {about: a, parameters: [at], value: {Type: Task, Arguments: {at: <<at>>}, Next: Done}}
item: {about: a, defaults: {more: {}}, value: {owner: me, <<more>>: , status: RUNNING}}
polled:
  about: a
  parameters: [work]
  defaults: {look: "Look<<work>>", seconds: 30}
  states:
    <<name>>: {Type: Pass, Next: <<look>>}
    <<look>>: {Type: Wait, Seconds: <<seconds>>, Next: <<look>>}
polled_twice: {about: a, states: {<<name>>: {use: polled, with: {work: A}}, B: {use: polled, with: {work: B}}}}
again: {about: a, value: {x: <<again>>}}
"""


def expanded(text: str, tmp_path: Path) -> Any:
    """The states of a step `Work` of a machine, whose source they are."""
    (tmp_path / "f.yaml").write_text(FRAGMENTS)
    source = {"Comment": "c", "Steps": {"Work": yaml.safe_load(text)}}
    return Expander(read_fragments(tmp_path)).machine(source, "m.yaml").definition["States"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A: {N: <<now>>}", {"A": {"N": "{% $millis() %}"}}),
        ("A: {use: now}", {"A": "{% $millis() %}"}),
        (
            "A: {Retry: <<retry_unless(S3.NoSuchKey)>>}",
            {
                "A": {
                    "Retry": [
                        {"ErrorEquals": ["S3.NoSuchKey"], "MaxAttempts": 0},
                        {"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 5},
                    ]
                }
            },
        ),
        (
            "A: {Retry: {use: retry, with: {errors: [x, y]}}}",
            {"A": {"Retry": [{"ErrorEquals": ["x", "y"], "MaxAttempts": 5}]}},
        ),
        (
            """A: "{% <<field(month, 'now')>> %}" """,
            {"A": "{% $exists($states.input.month) ? 'now' %}"},
        ),
        ("A: {use: missing, with: {needed: [a, b]}}", {"A": "{% ['a', 'b'][$not($ in $known)] %}"}),
        (
            "A: {use: item, with: {more: {batches: 1}}}",
            {"A": {"owner": "me", "batches": 1, "status": "RUNNING"}},
        ),
        ("A: <<item>>", {"A": {"owner": "me", "status": "RUNNING"}}),
        (
            "A: {use: polled, with: {work: Join, seconds: 5}}",
            {
                "A": {"Type": "Pass", "Next": "LookJoin"},
                "LookJoin": {"Type": "Wait", "Seconds": 5, "Next": "LookJoin"},
            },
        ),
        (
            "A: {use: polled_twice}",
            {
                "A": {"Type": "Pass", "Next": "LookA"},
                "LookA": {"Type": "Wait", "Seconds": 30, "Next": "LookA"},
                "B": {"Type": "Pass", "Next": "LookB"},
                "LookB": {"Type": "Wait", "Seconds": 30, "Next": "LookB"},
            },
        ),
        ("A: {x: true, y: 2.0, z: null, s: a < b}", {"A": {"x": True, "y": 2.0, "z": None, "s": "a < b"}}),
    ],
    ids=[
        "a text", "without parameters", "a list in a list", "other than the default", "inside a text",
        "a list in a text", "a mapping in a mapping", "an empty mapping", "several states", "several states of others",
        "values of JSON",
    ],
)  # fmt: skip
def test_a_fragment_comes_where_it_is_used(text: str, found: Any, tmp_path: Path) -> None:
    assert expanded(text, tmp_path) == found


def test_what_is_added_to_a_state_comes_in_the_order_of_definitions(tmp_path: Path) -> None:
    state = expanded("A: {use: ended, with: {at: 1}, Output: {}, Retry: []}", tmp_path)["A"]
    assert list(state) == ["Type", "Arguments", "Retry", "Output", "Next"]


def test_the_lines_of_a_block_are_joined_without_those_that_are_comments(tmp_path: Path) -> None:
    block = """
        A: |
          {% (
            /* before the hour: the one before */
            $x := '/* a */';

            $x
          ) %}
    """
    assert expanded(block, tmp_path) == {"A": "{% ( $x := '/* a */'; $x ) %}"}


def test_a_machine_has_the_states_of_all_steps_in_their_order() -> None:
    steps = {"First": {"B": {"Type": "Pass"}, "A": {"Type": "Pass"}}, "Then": {"C": {"Type": "Succeed"}}}
    machine = Expander({}).machine({"Comment": "c", "Steps": steps, "StartAt": "B"}, "m.yaml")
    assert list(machine.definition) == ["Comment", "StartAt", "States"]
    assert list(machine.definition["States"]) == ["B", "A", "C"]
    assert machine.steps == {"First": ["B", "A"], "Then": ["C"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A: {Retry: <<retri>>}", "A > Retry: there is no fragment or parameter retri. Did you mean retry?"),
        ("A: {use: pold}", "there is no fragment or parameter pold. Did you mean polled?"),
        (
            "A: {use: polled, with: {seconds: 1}}",
            "A: polled needs the parameter work. "
            "It takes the place of a state, and the parameters work, look, seconds",
        ),
        (
            "A: {use: ended, with: {at: 1, then: B}}",
            "A: ended has no parameter then. It takes the parameters at",
        ),
        ("A: {use: ended, with: at}", "A: with is 'at'. Write it as parameter: value"),
        ("A: {N: <<now(1)>>}", "A > N: <<now(1)>> does not fit now. It takes none"),
        ("A: {N: <<retry_unless>>}", "A > N: retry_unless needs the parameter error. It takes the parameters error"),
        ("A: {x: [{use: polled, with: {work: B}}]}", "A > x: polled contains several states. Use it in place of one"),
        ("A: <<polled(B)>>", "A: <<polled(B)>> does not fit polled. It takes the place of a state"),
        ("A: {use: now, Next: B}", "A: nothing can be added to now. Remove Next"),
        ("A: {use: ended, with: {at: 1}, Next: B}", "A: Next is defined twice. Rename one, or remove it"),
        (
            "{LookB: {Type: Pass}, A: {use: polled, with: {work: B}}}",
            "LookB is defined twice. Rename one, or remove it",
        ),
        ("A: {N: 'a <<now'}", "A > N: 'a <<now' has << or >> alone. Write <<name>> or <<name(value, value)>>"),
        ("A: {N: 'at <<retry>>'}", "A > N: <<retry>> is not text but list. Use it as a value of its own"),
        ("A: {use: again}", "A > again (f.yaml) > x: again uses itself. Remove the cycle"),
        ("A: {at: 2026-03-10}", "A > at: 2026-03-10 is a date in YAML, which JSON does not have. Quote it"),
    ],
)  # fmt: skip
def test_a_wrong_use_is_refused_with_file_state_and_remedy(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        expanded(text, tmp_path)
    place, _, said = str(caught.value).partition("m.yaml > Work")
    assert (place, said.removeprefix(" > ").removeprefix(": ")[: len(message)]) == ("", message)


def test_a_state_in_two_steps_is_refused() -> None:
    steps = {"First": {"A": {"Type": "Pass"}}, "Then": {"A": {"Type": "Pass"}}}
    with pytest.raises(SourceError, match=r"^m\.yaml > Then: A is defined twice\. Rename one, or remove it$"):
        Expander({}).machine({"Steps": steps}, "m.yaml")


@pytest.mark.parametrize("source", [{}, {"Steps": []}, {"Steps": {"First": None}}])
def test_a_source_without_steps_is_refused(source: dict[str, Any]) -> None:
    with pytest.raises(SourceError, match=r"^m\.yaml has no Steps with states\. Write the states below Steps"):
        Expander({}).machine(source, "m.yaml")
