"""What is looked at before a deployment: all findings at once, and nothing was changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import DeploymentError, NdrError, ParameterError
from statemachines.definitions import MACHINES
from statemachines.deploy import environment
from statemachines.deploy.parts import OF_MACHINES, PARTS
from statemachines.deploy.preflight import check_placeholders, run
from statemachines.deploy.stack import check_parameters
from tests.statemachines.deploy.deployer import Deployer


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
