import json
from pathlib import Path

import pytest

from common.detection.alerts.cases import find_cases
from common.detection.alerts.triage import read_changes, triaged
from common.errors import LakeFormatError
from common.lake.lake import Lake
from tests.common.detection.alerts.alerting_lake import PAIR, write_alerts
from tests.common.detection.model_lake import host
from tests.factories import SPEC
from tools.lake.marks import FILE, has_marks, marks_to_triage

MARK = {
    "incident_id": "0123456789ab", "verdict": "expected", "reason": "backup", "scope": "host", "host_ip": host(3),
    "segment_id": "10.20.0.0/24", "behaviour": "beacon", "peer": PAIR["peer_ip"], "marked": "2026-03-09T10:00:00Z",
    "expires": "2026-06-09T10:00:00Z",
}  # fmt: skip
POPULAR = PAIR | {"others": {"peer": 40}}


@pytest.mark.parametrize(
    ("differs", "hidden"),
    [
        ({}, {3}),
        ({"peer": ""}, {3}),
        ({"peer": "203.0.113.1"}, set()),
        ({"scope": "segment"}, {3, 4}),
        ({"scope": "segment", "peer": ""}, {3, 4}),
        ({"verdict": "true"}, set()),
        ({"behaviour": "scan"}, set()),
    ],
)
def test_marks_hide_what_they_suppressed(tmp_path: Path, differs: dict[str, str], hidden: set[int]) -> None:
    lake = write_alerts(tmp_path, [(0, 3, POPULAR), (1, 4, POPULAR)])
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_text(json.dumps([MARK | differs]))
    assert has_marks(lake)
    marks_to_triage(lake)
    assert not has_marks(Lake(lake.uri, SPEC))
    (change,) = read_changes(lake)
    assert (change.case_id, change.note, change.changed_by) == ("0123456789ab", "backup", "migrated")
    quiet = triaged(find_cases(lake, SPEC, None), [change])[1]
    assert {case.source for case, _ in quiet} == {host(place) for place in hidden}


@pytest.mark.parametrize("text", ["{", "[1]", '[{"incident_id": "a"}]'])
def test_damaged_marks_are_an_error(tmp_path: Path, text: str) -> None:
    lake = write_alerts(tmp_path, [])
    assert not has_marks(lake)
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_text(text)
    with pytest.raises(LakeFormatError, match=r"feedback/marks\.json is damaged"):
        marks_to_triage(lake)
