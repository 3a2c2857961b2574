"""Values of templates and of AWS, compared."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.differences import ABSENT
from statemachines.deploy.drift.comparison import Finding, differences, plain


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"Timeout": "60"}, {"Timeout": 60.0}),
        ({"Action": "s3:GetObject"}, {"Action": ["s3:GetObject"]}),
        ({"Action": ["a", "b"]}, {"Action": ["b", "a"]}),
        ({"Enabled": "true", "More": {}}, {"Enabled": True, "Other": None}),
        ({"Statement": [{"Sid": "a"}, {"Sid": "b"}]}, {"Statement": [{"Sid": "b"}, {"Sid": "a"}]}),
    ],
)
def test_forms_of_the_same_value_do_not_differ(wanted: Any, found: Any) -> None:
    assert list(differences(plain(wanted), plain(found))) == []


def test_what_is_added_removed_and_changed_is_named_by_its_path() -> None:
    wanted = plain({"Policies": {"work": {"Action": ["a", "b"]}, "gone": {"Action": "c"}}, "Timeout": 3})
    found = plain({"Policies": {"work": {"Action": ["a", "c"]}, "new": {"Action": "d"}}, "Timeout": 4})
    assert list(differences(wanted, found)) == [
        ("Policies.gone", {"Action": "c"}, ABSENT),
        ("Policies.new", ABSENT, {"Action": "d"}),
        ("Policies.work.Action", "b", ABSENT),
        ("Policies.work.Action", ABSENT, "c"),
        ("Timeout", "3", "4"),
    ]


def test_a_finding_says_what_is_and_what_should_be() -> None:
    assert str(Finding("role", "r", "Path", "/", ABSENT, "x")) == 'role r: Path: (absent), not "/"'
    assert str(Finding("role", "r", "", "deployed", ABSENT, "x")) == 'role r: (absent), not "deployed"'
