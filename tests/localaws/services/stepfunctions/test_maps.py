"""Step Functions as on AWS: Parallel, Map and distributed Map with JSONata."""

from __future__ import annotations

import json

from localaws.cli.process import LocalAws
from tests.localaws.services.stepfunctions.machines import FAIL, machine, part, passing

LONG_WAIT = {"Type": "Wait", "Seconds": 100_000}


def test_parallel_has_arguments_output_and_assign(local_aws: LocalAws) -> None:
    tested = machine(
        local_aws,
        {
            "P": {
                "Type": "Parallel",
                "Arguments": {"n": "{% $states.input.n * 10 %}"},
                "Branches": [
                    part({"X": passing("{% $states.input.n + 1 %}")}),
                    part({"Y": passing("{% $states.input.n + 2 %}")}),
                ],
                "Assign": {"all": "{% $sum($states.result) %}"},
                "Output": "{% $states.result[1] %}",
            },
            "B": passing("{% [$states.input, $all] %}"),
        },
    )
    arn = tested.start({"n": 1})
    assert json.loads(tested.finish(arn)["output"]) == [12, 23]
    assert set(tested.states(arn)) == {"P", "X", "Y", "B"}


def test_variables_of_a_branch_stay_in_it(local_aws: LocalAws) -> None:
    branch = part({"X": passing(Assign={"inner": "{% $outer + 1 %}"}), "Y": passing("{% $inner %}")})
    tested = machine(
        local_aws,
        {
            "A": passing(Assign={"outer": 1}),
            "P": {"Type": "Parallel", "Branches": [branch]},
            "B": passing("{% [$states.input[0], $exists($inner)] %}"),
        },
    )
    assert tested.output() == [2, False]


def test_a_failed_branch_ends_the_others(local_aws: LocalAws) -> None:
    branches = [part({"Slow": LONG_WAIT, "Never": passing()}), part({"Fails": FAIL})]
    catch = [{"ErrorEquals": ["My.Error"], "Output": "{% $states.errorOutput.Cause %}", "Next": "B"}]
    tested = machine(local_aws, {"P": {"Type": "Parallel", "Branches": branches, "Catch": catch}, "B": passing()})
    arn = tested.start()
    assert json.loads(tested.finish(arn)["output"]) == "because"
    assert "Never" not in tested.states(arn)


def test_a_map_selects_items_and_keeps_its_variables(local_aws: LocalAws) -> None:
    processor = part({"X": passing(Assign={"mine": "{% $states.input.item %}"}), "Y": passing("{% $mine * $factor %}")})
    tested = machine(
        local_aws,
        {
            "A": passing(Assign={"factor": 3}),
            "M": {
                "Type": "Map",
                "Items": "{% $states.input.items %}",
                "ItemSelector": {
                    "item": "{% $states.context.Map.Item.Value %}",
                    "index": "{% $states.context.Map.Item.Index %}",
                },
                "MaxConcurrency": "{% 1 + 1 %}",
                "ItemProcessor": processor,
                "Assign": {"total": "{% $sum($states.result) %}"},
                "Output": {"results": "{% $states.result %}"},
            },
            "B": passing({"results": "{% $states.input.results %}", "rest": "{% [$total, $exists($mine)] %}"}),
        },
    )
    arn = tested.start({"items": [1, 2, 3]})
    assert json.loads(tested.finish(arn)["output"]) == {"results": [3, 6, 9], "rest": [18, False]}
    assert sorted(tested.states(arn)) == sorted(["A", "M", *["X", "Y"] * 3, "B"])
    started = [event["type"] for event in tested.history(arn)].count("MapIterationStarted")
    assert started == 3


def test_no_more_iterations_at_once_than_allowed(local_aws: LocalAws) -> None:
    processor = part({"In": passing(), "W": {"Type": "Wait", "Seconds": 5}, "Out": passing()})
    states = {"M": {"Type": "Map", "Items": [1, 2, 3, 4, 5], "MaxConcurrency": 2, "ItemProcessor": processor}}
    tested = machine(local_aws, states)
    arn = tested.start()
    tested.finish(arn)
    inside, most = 0, 0
    for name in tested.states(arn):
        inside += {"In": 1, "Out": -1}.get(name, 0)
        most = max(most, inside)
    assert most == 2


def test_items_must_be_a_list(local_aws: LocalAws) -> None:
    states = {"M": {"Type": "Map", "Items": "{% 'abc' %}", "ItemProcessor": part({"X": passing()})}}
    assert machine(local_aws, states).failure()[0] == "States.QueryEvaluationError"
