"""Adding a state as docs/statemachines.md shows it makes a valid machine, which lacks nothing but the permission."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from pathlib import Path
from typing import Any

from statemachines.definitions import MACHINES
from statemachines.generation.files import ALARMS, ROOT, SOURCES, build
from statemachines.lint.lint import lint
from tests.statemachines.template import Template, needed

TRAINING = "sfn_ndr_training_orchestrator"
DEFINITION = Path("statemachines", f"{TRAINING}.asl.json")
PERMISSION = ("events:PutEvents", "arn:aws:events:us-east-1:000000000000:event-bus/ndr")


def with_the_state_of_the_guide(root: Path) -> dict[str, Any]:
    """The training machine that a copy of the sources generates with the state that the guide adds."""
    guide = (ROOT / "docs" / "statemachines.md").read_text(encoding="utf-8")
    shown = re.search(r"^ {8}EmitModelDeployedEvent:\n(?:^ {8,}.*\n)+", guide, re.MULTILINE)
    assert shown and "change `then: Success` of `StartTrainingPipeline` to\n" in guide
    shutil.copytree(ROOT / SOURCES, root / SOURCES)
    (root / ALARMS).parent.mkdir(parents=True)
    shutil.copy(ROOT / ALARMS, root / ALARMS)
    path = root / SOURCES / f"{TRAINING}.yaml"
    state = textwrap.indent(textwrap.dedent(shown[0]), " " * 4)
    source = path.read_text().replace("then: Success\n", "then: EmitModelDeployedEvent\n")
    path.write_text(source.replace("\n  End:\n", f"\n  End:\n{state}"))
    definition: dict[str, Any] = json.loads(build(root)[DEFINITION])
    return definition


def test_the_state_of_the_guide_is_valid_and_lacks_one_permission(tmp_path: Path) -> None:
    definition = with_the_state_of_the_guide(tmp_path)
    assert definition["States"]["TrainingPipelineStatusChoice"]["Choices"][0]["Next"] == "EmitModelDeployedEvent"
    assert lint(definition) == []
    template = Template()
    text = re.sub(r"\$\{(\w+)\}", lambda match: template.outputs[match[1]], json.dumps(definition))
    permitted = template.always_permitted(template.role_name(template.outputs[MACHINES[TRAINING]]))
    assert needed(json.loads(text), TRAINING) - permitted == {PERMISSION}
