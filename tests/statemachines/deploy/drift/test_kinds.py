"""All types of the templates are compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from statemachines.deploy.deployment import Stacks
from statemachines.deploy.drift.kinds import HOLDERS, KINDS
from tests.statemachines.template import parsed_template

TEMPLATES = [template for _, template in Stacks.of("dev-", True).templates()]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_every_type_of_resource_is_known(template: Path) -> None:
    resources = parsed_template(template)["Resources"].values()
    assert {resource["Type"] for resource in resources if "Type" in resource} <= KINDS.keys() | HOLDERS.keys()
