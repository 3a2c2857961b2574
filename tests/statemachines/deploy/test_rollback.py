"""A change of the 15-minute pipeline's form on the local AWS, and back: what runs goes on, and each version works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localaws.cli.process import LocalAws
from statemachines.definitions import MACHINES
from tests.statemachines.control_plane import ControlPlane, batch_event, deploy_control_plane, window
from tests.statemachines.deploy.deployer import Deployer, led_to
from tests.statemachines.template import needed, permitted
from tests.statemachines.windows_of_acme import calls_of, wait_for_call

LIVE, BACKFILL = "sfn_ndr_15m_features_inference", "sfn_ndr_backfill_reprocessing"
FORMS = ("ndr-15m-streaming-fused", "ndr-15m-streaming")
FOUR_JOBS = ("ndr-delta", "ndr-fg-a", "ndr-pair-counts", "ndr-fg-c")
pytestmark = pytest.mark.slow


@pytest.fixture
def plane(start_local_aws: Callable[..., LocalAws], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The control plane, deployed with the fused form."""
    yield from deploy_control_plane(start_local_aws, tmp_path_factory.mktemp("rollback"))


def calls(plane: ControlPlane, number: int) -> list[str]:
    """The commands that computed the features of a window, in their order."""
    return [call.split()[0] for command in ("ndr-15m", *FOUR_JOBS) for call in calls_of(plane, command, number)]


def deployed_role(deployer: Deployer, machine: str) -> dict[str, Any]:
    """The policies of the role that the machine has now."""
    iam = deployer.local.client("iam")
    role = deployer.states.describe_state_machine(stateMachineArn=deployer.arn(machine))["roleArn"].rpartition("/")[2]
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return {"Policies": [iam.get_role_policy(RoleName=role, PolicyName=name) for name in names]}


def test_the_form_is_changed_and_taken_back_under_running_executions(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployer = led_to(plane.aws, monkeypatch)
    assert plane.run(LIVE, batch_event(0))["status"] == "SUCCEEDED"
    plane.order("ndr-15m", "sleep 5")
    in_flight = plane.start(LIVE, batch_event(1))
    wait_for_call(plane, "ndr-15m", 1, in_flight)
    changed = deployer.deploy("--set", f"PipelineName15mParameter={FORMS[1]}")
    # backfills always run the fused form
    assert (changed[LIVE], changed[BACKFILL]) == ("updated, live is version 2", "unchanged, live is version 1")
    assert plane.finish(in_flight)["status"] == "SUCCEEDED"
    plane.order("ndr-15m", None)
    assert plane.run(LIVE, batch_event(2))["status"] == "SUCCEEDED"

    assert deployer.run("rollback", LIVE).exit_code == 0
    assert plane.run(LIVE, batch_event(3))["status"] == "SUCCEEDED"
    again = {"project_name": "acme", "start_ts_iso": window(0)[0], "end_ts_iso": window(0)[1]}
    assert plane.run(BACKFILL, again)["status"] == "SUCCEEDED"
    assert [calls(plane, number) for number in range(1, 4)] == [["ndr-15m"], list(FOUR_JOBS), ["ndr-15m"]]
    assert calls(plane, 0) == ["ndr-15m", "ndr-15m", "ndr-delta"]  # a backfill builds the deltas first

    for machine in MACHINES.keys() & deployer.machines:
        allowed = permitted(deployed_role(deployer, machine))
        for version in deployer.versions(machine):
            wanted = needed(deployer.definition(f"{deployer.arn(machine)}:{version}"), machine, FORMS)
            assert wanted - allowed == set(), (machine, version)
