"""What is looked at before a deployment: all findings at once, and nothing was changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.errors import DeploymentError, NdrError, ParameterError
from statemachines.definitions import MACHINES
from statemachines.deploy import environment, preflight
from statemachines.deploy.parts import OF_MACHINES, PARTS
from statemachines.deploy.preflight import check_placeholders, run
from statemachines.deploy.stack import check_parameters
from tests.localaws.running import Started
from tests.statemachines.deploy.deployer import Deployer, led_to


def test_all_that_is_wrong_is_said_at_once() -> None:
    def wrong(name: str) -> None:
        raise DeploymentError(f"{name} is wrong", f"Mend {name}")

    with pytest.raises(NdrError) as found:
        run([lambda: wrong("one"), lambda: None, lambda: wrong("two")])
    assert str(found.value) == "nothing was changed, 2 things are wrong. one is wrong. Mend one; two is wrong. Mend two"
    with pytest.raises(DeploymentError, match=r"^one is wrong\. Mend one$"):
        run([lambda: wrong("one")])


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_names_what_its_part_and_the_foundation_have(machine: str) -> None:
    part = OF_MACHINES.get(machine, "ndr")
    check_placeholders(machine, [part])
    with pytest.raises(DeploymentError, match=f"the state machine {machine} names .*, which no stack of the parts has"):
        check_placeholders(machine, [other for other in PARTS if other != part])


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LogRetentionDays", "8", "cannot be '8'. Choose one of 7, 14, 30"),
        ("NamePrefix", "UPPER", "cannot be 'UPPER'. Give what matches"),
        ("OldVersionDays", "0", "cannot be '0'. Give a number from 1 to 3650"),
        ("OldVersionDays", "many", "cannot be 'many'. Give a number"),
        ("MinFilesForPartialBatch", "0", "Give a number from 1 to inf"),
    ],
)
def test_a_value_that_a_template_does_not_allow_is_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(ParameterError) as found:
        check_parameters({name: value})
    assert f"the parameter {name} " in str(found.value) and said in str(found.value)


@pytest.mark.slow
def test_templates_that_cfn_lint_refuses_are_refused_until_they_are_corrected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "ROOT", tmp_path)
    monkeypatch.setattr(preflight, "LINTED", tmp_path / "build" / "linted")
    folder = tmp_path / preflight.TEMPLATES_FOLDER
    folder.mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    template = "Resources: {Queue: {Type: 'AWS::SQS::Queue', Properties: {QueueNames: a}}}\n"
    (folder / "a.yaml").write_text(template)
    with pytest.raises(DeploymentError, match=r"cfn-lint refuses the templates: .*a\.yaml:1.*QueueNames"):
        preflight.check_templates()
    (folder / "a.yaml").write_text(template.replace("QueueNames", "QueueName"))
    preflight.check_templates()
    monkeypatch.setattr("subprocess.run", None)  # what was accepted is not looked at again
    preflight.check_templates()


@pytest.mark.slow
def test_quotas_that_do_not_suffice_are_named_before_anything_is_made(
    start_local_aws: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    quotas = {
        "iam": {"Roles per account": 5, "Users per account": 0},
        "states": {"Registered state machines": 9},
        "lambda": {"Concurrent executions": 10},
        "sagemaker": {
            "ml.m5.large for processing job usage": 1,
            "ml.m5.xlarge for processing job usage": 0,
            "ml.m5.xlarge for training job usage": 0,
            "Size of EBS volume for a processing job instance": 150,
        },
    }
    local = start_local_aws(NDR_LOCAL_QUOTAS=json.dumps(quotas))
    deployer = led_to(local, monkeypatch)
    refused = deployer.run("up", "dev").output
    # one role is there
    assert "iam, Roles per account (L-00000001): 25 are needed, 5 are permitted" in refused
    assert "lambda, Concurrent executions (L-00000001): 105 are needed, 10 are permitted. Ask for more" in refused
    assert "sagemaker, ml.m5.xlarge for processing job usage (L-00000002): 1 are needed, 0 are permitted" in refused
    assert "EBS volume for a processing job instance (L-00000004): 200 are needed, 150 are permitted" in refused
    assert "training job" not in refused and "ml.m5.large" not in refused
    assert "states" not in refused  # nine machines are as many as permitted
    assert (deployer.tables, deployer.machines) == ([], set())
    local.stop()


@pytest.mark.slow
def test_a_deployment_with_several_mistakes_names_them_all_and_makes_nothing(
    deployer: Deployer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "FILES", tmp_path)
    (tmp_path / "dev.yaml").write_text("parameters: {SchedulesState: MAYBE, Nonsense: '1'}\nprojects: [none.yaml]\n")
    done = deployer.run("up", "dev")
    assert done.exit_code == 1
    for said in ("3 things are wrong", "SchedulesState cannot be 'MAYBE'", "no parameter Nonsense", "none.yaml"):
        assert said.replace("no parameter", "no stack has a parameter") in done.output
    assert (deployer.tables, deployer.machines) == ([], set())
