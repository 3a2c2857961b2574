"""All types of the templates are compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from statemachines.deploy.drift.kinds import HOLDERS, KINDS
from statemachines.deploy.parts import TEMPLATES
from statemachines.deploy.registry import TEMPLATE as REGISTRY
from tests.statemachines.template import parsed_template


@pytest.mark.parametrize("template", [*TEMPLATES.values(), REGISTRY], ids=lambda path: path.stem)
def test_every_type_of_resource_is_known(template: Path) -> None:
    resources = parsed_template(template)["Resources"].values()
    assert {resource["Type"] for resource in resources if "Type" in resource} <= KINDS.keys() | HOLDERS.keys()
