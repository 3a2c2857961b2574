"""The comparison with statelint: what is new fails, what is gone fails, what is tolerated does not."""

from __future__ import annotations

from statemachines.definitions import MACHINES, definition_of
from statemachines.lint.checks.grammar import Tolerated, compare, main, messages_of, read_tolerated

SECONDS = Tolerated(r".*\.Seconds is .* but should be an Integer", "an expression")


def test_our_machines_have_only_tolerated_messages_and_each_of_them() -> None:
    messages = messages_of((name, definition_of(name)) for name in MACHINES)
    assert compare(messages, read_tolerated()) == []
    assert main() == 0


def test_a_message_that_is_not_listed_fails() -> None:
    definition = definition_of("sfn_ndr_training_orchestrator")
    del definition["States"]["WaitBeforeTrainingDescribe"]["Next"]
    assert compare(messages_of([("m", definition)]), [SECONDS]) == [
        'm: State Machine.States.WaitBeforeTrainingDescribe does not have required field "Next"',
        "m: No transition found to state State Machine.IncrementTrainingPollAttempt",
    ]


def test_a_listed_message_that_is_gone_fails() -> None:
    definition = definition_of("sfn_ndr_training_orchestrator")
    definition["States"]["WaitBeforeTrainingDescribe"]["Seconds"] = 30
    assert compare(messages_of([("m", definition)]), [SECONDS]) == [
        f"tolerated, but no longer reported: {SECONDS.message}. Remove it from tolerated.yaml"
    ]


def test_a_listed_message_stands_for_the_whole_text() -> None:
    assert compare([("m", "x.Seconds is 1 but should be an Integer, and more")], [SECONDS])[0].startswith(
        "m: x.Seconds"
    )


def test_every_tolerated_message_says_why() -> None:
    assert all(len(entry.reason) > 20 for entry in read_tolerated())
