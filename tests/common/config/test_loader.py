"""Mappings to typed settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from common.config.loader import build, s3_folder
from common.errors import ParameterError


@dataclass(frozen=True)
class Inner:
    share: float = 0.5
    on: bool = False


@dataclass(frozen=True)
class Outer:
    name: str
    days: int = 1
    hours: tuple[int, int] = (8, 18)
    labels: tuple[str, ...] = ()
    inner: Inner | None = None
    by_name: Mapping[str, Inner] = field(default_factory=dict)


def test_what_is_not_given_has_its_default() -> None:
    assert build(Outer, {"name": "a"}, "here") == Outer("a")


def test_groups_lists_and_whole_numbers_for_numbers_are_taken() -> None:
    given = {
        "name": "a",
        "hours": [7, 19],
        "labels": ["x", "y", "z"],
        "inner": {"share": 1, "on": True},
        "by_name": {"7d": {"share": 0.25}},
    }
    found = build(Outer, given, "here")
    assert found == Outer("a", 1, (7, 19), ("x", "y", "z"), Inner(1.0, True), {"7d": Inner(0.25)})
    assert found.inner is not None and type(found.inner.share) is float


def test_a_group_can_be_left_out_by_null() -> None:
    assert build(Outer, {"name": "a", "inner": None}, "here").inner is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "here lacks the project parameter name"),
        ({"name": "a", "nam": "b"}, "here has unknown project parameters: nam"),
        ({"name": "a", "inner": {"shar": 1}}, r"unknown project parameters: inner\.shar"),
        ({"name": 5}, "name is 5"),
        ({"name": "a", "days": True}, "days is True"),
        ({"name": "a", "days": 1.5}, r"days is 1\.5"),
        ({"name": "a", "hours": [7, 19, 20]}, r"hours is \[7, 19, 20\]"),
        ({"name": "a", "hours": 7}, "hours is 7"),
        ({"name": "a", "labels": "x"}, "labels is 'x'"),
        ({"name": "a", "inner": {"on": 1}}, r"inner\.on is 1"),
        ({"name": "a", "inner": [1]}, r"inner is \[1\]"),
        ({"name": "a", "by_name": {"7d": {"share": "x"}}}, r"by_name\.7d\.share is 'x'"),
        ({"name": "a", "by_name": {7: {}}}, "by_name, key is 7"),
        (["name"], "not a mapping"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(given: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        build(Outer, given, "here")


@pytest.mark.parametrize(("value", "folder"), [("s3://lake", "s3://lake"), ("s3://lake/acme/", "s3://lake/acme")])
def test_an_s3_folder_has_no_trailing_slash(value: str, folder: str) -> None:
    assert s3_folder(value, "lake_uri") == folder


@pytest.mark.parametrize("value", ["lake", "/lake", "s3://", "s3://A/b", "s3://lake/a b", "s3a://lake/a"])
def test_what_is_no_s3_folder_is_refused(value: str) -> None:
    with pytest.raises(ParameterError, match="lake_uri is"):
        s3_folder(value, "lake_uri")
