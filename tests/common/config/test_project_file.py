"""Project files: what they need, and that their examples are valid."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from common.config.documents import parse_yaml
from common.config.loader import build, build_from
from common.config.project_file import ProjectFile
from common.errors import ParameterError, ParametersError
from tests.checkout import ROOT

NEEDED: dict[str, Any] = {
    "project_name": "demo",
    "organisations": ["acme/hq", "acme/emea"],
    "orchestration": {"lake_uri": "/lake", "ingestion_prefix": "s3://inbox/acme/hq/"},
}


def test_each_organisation_has_its_folder_beside_that_of_the_prefix() -> None:
    found = build(ProjectFile, NEEDED, "here")
    assert list(found.routing()) == [
        ("acme", "hq", "s3://inbox/acme/hq"),
        ("acme", "emea", "s3://inbox/acme/emea"),
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"organisations": []}, "organisations is []. Give a list that is not empty"),
        ({"organisations": ["acme"]}, 'organisations[0] is "acme". Give two names, like acme/emea'),
        ({"organisations": ["a/b/c"]}, 'organisations[0] is "a/b/c". Give two names, like acme/emea'),
        ({"project_name": "a#b"}, 'project_name is "a#b". Give a name without # and /'),
        ({"settings": None}, "settings is null. Give a mapping"),
        ({"setings": {}}, "setings is unknown. Did you mean settings?"),
        ({"time_zone": "UTC"}, "time_zone is unknown. Write it as settings.time_zone"),
        ({"settings": {"poll_seconds": 3}}, "settings.poll_seconds is unknown. Write it as orchestration.poll"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError) as caught:
        build(ProjectFile, NEEDED | given, "here")
    assert str(caught.value).startswith(f"here: {words}")


def test_mistakes_of_settings_and_orchestration_are_named_together() -> None:
    text = "project_name: a\norganisations: [a/b]\nsettings: {time_zone: x}\norchestration:\n  poll_seconds: 0\n"
    with pytest.raises(ParametersError) as caught:
        build_from(ProjectFile, parse_yaml(text.encode(), "project.yaml"))
    assert [line.partition(" ")[0] for line in caught.value.each] == [
        "project.yaml:3:12:", "project.yaml:4:1:", "project.yaml:4:1:", "project.yaml:5:3:",
    ]  # fmt: skip


def examples() -> list[Any]:
    """The project files that the documentation shows."""
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    shown = re.compile(r"^cat >project\.yaml <<EOF\n(.+?)^EOF$", re.M | re.S)
    texts = [text for page in pages for text in shown.findall(page.read_text("utf-8"))]
    return [yaml.safe_load(text.replace("$PWD", "/home")) for text in texts]


def test_the_documentation_shows_valid_files() -> None:
    shown = examples()
    assert len(shown) >= 3
    for example in shown:
        build(ProjectFile, example, "an example")
