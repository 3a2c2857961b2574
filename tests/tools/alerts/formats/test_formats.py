import csv
import re
from pathlib import Path

import pytest
import stix2
from py_ocsf_models.events.findings.detection_finding import DetectionFinding

from common.detection.alerts.techniques import TUNNEL
from tests.commands import call
from tests.common.detection.model_lake import host
from tests.tools.alerts.formats.ecs_schema import defects, leaves
from tests.tools.alerts.handing import found, mark, printed
from tests.tools.page.findings import BAD, findings_lake
from tests.tools.page.hostile import SCRIPT, hostile_lake
from tools.alerts.formats import lines
from tools.alerts.formats.ecs import threat
from tools.indicators.cli import main as take

SYSLOG = re.compile(
    r"<(\d+)>1 (\S+) - (\S+) - case \[ndr@32473((?: \w+=\"(?:[^\"\\\]]|\\[\"\\\]])*\")+)\] \ufeff([^\n]*)"
)
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def test_cases_are_findings_of_ocsf(lake: str) -> None:
    first, second = found(lake)
    for finding in (first, second):
        DetectionFinding(**finding)
        assert (finding["class_uid"], finding["type_uid"]) == (2004, 200401)
    assert first["finding_info"]["attacks"][0]["technique"] == {"uid": "T1021", "name": "Remote Services"}
    assert [resource["uid"] for resource in first["resources"]] == [host(5)]
    assert first["evidences"][0]["dst_endpoint"] == {"ip": host(5), "port": 445}
    mark(lake, first["finding_info"]["uid"], "false")
    closed = next(entry for entry in found(lake) if entry["finding_info"]["uid"] == first["finding_info"]["uid"])
    assert (closed["activity_id"], closed["type_uid"], closed["status_id"]) == (3, 200403, 4)


def test_cases_are_bundles_of_stix(lake: str) -> None:
    again = found(lake, "--format", "stix")
    for line, same in zip(printed(lake, "--format", "stix"), again, strict=True):
        bundle = stix2.parse(line, allow_custom=False)
        assert {entry["type"] for entry in bundle.objects} >= {"incident", "ipv4-addr", "observed-data", "identity"}
        assert [entry["id"] for entry in bundle.objects] == [entry["id"] for entry in same["objects"]]
    shared = [{entry["id"]: entry for entry in bundle["objects"]} for bundle in again]
    for name in shared[0].keys() & shared[1].keys():
        assert shared[0][name] == shared[1][name]  # one object is the same in all bundles


def test_cases_are_documents_of_ecs(lake: str) -> None:
    first = found(lake, "--format", "ecs")[0]
    assert first["event"]["kind"] == "alert" and first["event"]["category"] == ["network", "intrusion_detection"]
    assert RFC_3339.fullmatch(first["@timestamp"]) and RFC_3339.fullmatch(first["event"]["start"])
    assert (first["source"]["ip"], first["destination"]) == (host(3), {"ip": host(5), "port": 445})
    assert first["threat"]["technique"] == {"id": ["T1021"], "name": ["Remote Services"]}


@pytest.mark.parametrize("hostile", [False, True])
def test_documents_of_ecs_are_as_elastic_publishes_its_schema(lake: str, tmp_path: Path, hostile: bool) -> None:
    source = str(hostile_lake(tmp_path / "hostile")) if hostile else lake
    documents = found(source, "--format", "ecs")
    mark(source, documents[0]["labels"]["case_id"], "false")
    documents += found(source, "--format", "ecs")
    assert {one["event"]["action"] for one in documents} >= {"create", "close"}
    assert [defects(one) for one in documents] == [[]] * len(documents)
    assert {name for one in documents for name, _ in leaves(one)} >= {"destination.port", "related.ip", "rule.name"}


def test_part_of_a_technique_stands_below_it_in_ecs() -> None:
    """Case views as `ndr-alerts` has them, of a tunnel."""
    technique = {"name": "dns tunnel", "attack_id": TUNNEL.attack_id, "attack_name": TUNNEL.attack_name}
    assert threat(technique) == {
        "framework": "MITRE ATT&CK",
        "technique": {
            "id": ["T1071"],
            "name": ["Application Layer Protocol"],
            "subtechnique": {"id": ["T1071.004"], "name": ["DNS"]},
        },
    }


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("event.severity", "high", "event.severity 'high' is no long"),
        ("event.kind", "alarm", "event.kind 'alarm' is not allowed"),
        ("event.type", ["protocol"], "event.type protocol is none of event.category intrusion_detection"),
        ("event.category", "network", "event.category is not an array"),
        ("event.begin", "2026-03-10T00:08:00Z", "event.begin is no field"),
        ("event.start", "10 March", "event.start '10 March' is no date"),
        ("source.ip", "10.0.0", "source.ip '10.0.0' is no ip"),
        ("source.ip", ["10.0.0.1"], "source.ip is an array"),
        ("ecs.version", "1.0", "ecs.version is not 9.4.0"),
    ],
)
def test_the_check_of_ecs_finds_what_is_wrong(lake: str, name: str, value: object, words: str) -> None:
    document = found(lake, "--format", "ecs")[0]
    above, _, last = name.partition(".")
    document[above][last] = value
    assert words in defects(document)


@pytest.mark.parametrize("hostile", [False, True])
def test_lines_are_whole_whatever_names_are(lake: str, tmp_path: Path, hostile: bool) -> None:
    source = str(hostile_lake(tmp_path / "hostile")) if hostile else lake
    for line in printed(source, "--format", "syslog"):
        matched = SYSLOG.fullmatch(line)
        assert matched, line
        assert int(matched[1]) // 8 == 13 and RFC_3339.fullmatch(matched[2])
    for line in printed(source, "--format", "cef"):
        assert len(re.split(r"(?<!\\)\|", line)) == 8 and line.startswith("CEF:0|")
        assert not re.search(r"(?<!\\)=[^ ]*(?<!\\)=", re.split(r"(?<!\\)\|", line)[7].replace(" ", "  "))
    rows = list(csv.DictReader(printed(source, "--format", "csv")))
    assert len(rows) == (4 if hostile else 2) and {row["action"] for row in rows} == {"create"}


def test_texts_are_no_longer_than_fields_of_cef(lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in {"CEF_NAME": 20, "CEF_TEXT": 30, "CEF_CUSTOM": 5}.items():
        monkeypatch.setattr(lines, name, most)
    head, extension = printed(lake, "--format", "cef")[0].rsplit("|", 1)
    assert len(head.split("|")[5]) == 20
    values = dict(re.findall(r"(\w+)=(.*?)(?= \w+=|$)", extension))
    assert len(values["msg"]) == 30 and len(values["cs2"]) == 5 and len(values["rt"]) == 13


def test_indicators_are_where_each_format_has_them(tmp_path: Path) -> None:
    lake = str(findings_lake(tmp_path / "lake"))
    named = f"{BAD} (feodo 2026-02-01)"
    finding, _, alone = found(lake)
    DetectionFinding(**finding)
    (enrichment,) = finding["enrichments"]
    assert (enrichment["value"], enrichment["provider"], enrichment["type"]) == (BAD, "feodo", "indicator")
    assert enrichment["data"]["labels"] == [SCRIPT]
    DetectionFinding(**alone)
    assert alone["enrichments"][0]["value"] == BAD and alone["confidence_score"] == 90
    document, other, alone = found(lake, "--format", "ecs")
    assert alone["threat"]["enrichments"][0]["indicator"]["provider"] == "feodo"
    (enrichment,) = document["threat"]["enrichments"]
    assert (enrichment["indicator"]["ip"], enrichment["indicator"]["first_seen"]) == (BAD, "2026-02-01T00:00:00Z")
    assert enrichment["indicator"]["confidence"] == "High" and enrichment["matched"]["field"] == "destination.ip"
    assert "enrichments" not in other["threat"] and document["threat"]["technique"]
    bundle = stix2.parse(printed(lake, "--format", "stix")[0], allow_custom=False)
    known, sighting = (next(one for one in bundle.objects if one["type"] == kind) for kind in ("indicator", "sighting"))
    assert known["pattern"] == f"[ipv4-addr:value = '{BAD}']" and sighting["sighting_of_ref"] == known["id"]
    stix2.parse(printed(lake, "--format", "stix")[2], allow_custom=False)
    line, _, last = printed(lake, "--format", "syslog")
    assert SYSLOG.fullmatch(last) and f'indicators="{named}"' in last
    assert SYSLOG.fullmatch(line) and f'indicators="{named}"' in line
    assert f"cs4Label=indicators cs4={named}" in printed(lake, "--format", "cef")[0]
    rows = list(csv.DictReader(printed(lake, "--format", "csv")))
    assert [(row["indicators"], row["criticality"]) for row in rows] == [(named, ""), ("", "critical"), (named, "")]


def test_a_new_indicator_is_an_update(tmp_path: Path) -> None:
    lake = str(findings_lake(tmp_path / "lake"))
    assert len(found(lake, "--channel", "soc")) == 3 and found(lake, "--channel", "soc") == []
    (tmp_path / "new.txt").write_text("203.0.113.77\n")
    assert call(take, "import", "--lake", lake, str(tmp_path / "new.txt"))[0] == 0
    assert [(one["activity_name"], one["enrichments"][0]["provider"]) for one in found(lake, "--channel", "soc")] == [
        ("Update", "new")
    ]
