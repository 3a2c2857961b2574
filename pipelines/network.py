"""The VPC that containers of steps are attached to, which is none in the committed definitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.definitions import Definition

Network = dict[str, Any]


def network_of(subnets: Sequence[str], security_groups: Sequence[str]) -> Network | None:
    """The network of subnets and security groups, as a processing job takes it; None where neither is given."""
    if not subnets and not security_groups:
        return None
    return {"VpcConfig": {"SecurityGroupIds": list(security_groups), "Subnets": list(subnets)}}


def deployed_network(definition: Any) -> Network | None:
    """The network of the first step of a deployed definition, if it has one; all steps have the same."""
    steps = definition.get("Steps") if isinstance(definition, dict) else None
    found: Network | None = steps[0].get("Arguments", {}).get("NetworkConfig") if steps else None
    return found


def with_network(definition: Definition, network: Network | None) -> Definition:
    """The definition with all its steps in the network."""
    if network is None:
        return definition
    steps = [{**step, "Arguments": {**step["Arguments"], "NetworkConfig": network}} for step in definition["Steps"]]
    return {**definition, "Steps": steps}
