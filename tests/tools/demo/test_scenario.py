import json
from pathlib import Path
from typing import Any

import pytest

from tools.demo.scenario import find_scenario

SIMULATED = {"start": "2026-03-03T00:08:00Z", "days": 1, "hosts": [{"ip": "10.1.0.1", "name": "pc-001"}], "batches": []}


@pytest.mark.parametrize(
    ("description", "found"),
    [
        (SIMULATED, True),
        (SIMULATED | {"hosts": [{"ip": "10.1.0.1"}]}, False),
        ({"name": "of another tool", "start": "2026-03-03T00:08:00Z", "days": 8}, False),
        ([1, 2], False),
    ],
)
def test_only_what_ndr_simulate_says_is_a_scenario(tmp_path: Path, description: Any, found: bool) -> None:
    (tmp_path / "scenario.json").write_text(json.dumps(description))
    scenario = find_scenario([str(tmp_path / "elsewhere"), str(tmp_path)])
    assert (scenario.description if scenario else None) == (description if found else None)
