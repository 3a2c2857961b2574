"""Mappings to typed settings."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

from common.config.documents import parse_yaml
from common.config.loader import Settings, build, build_from
from common.errors import ParameterError, ParametersError
from common.features.spec import Horizon


class Inner(Settings):
    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    on: bool = False


class Outer(Settings):
    name: str
    days: Annotated[int, Field(ge=1)] = 1
    hours: tuple[int, int] = (8, 18)
    labels: tuple[str, ...] = ()
    inner: Inner | None = None
    by_name: Mapping[str, Horizon] = Field(default_factory=dict)


def test_what_is_not_given_has_its_default() -> None:
    assert build(Outer, {"name": "a"}, "here") == Outer(name="a")


def test_groups_lists_and_whole_numbers_for_numbers_are_taken() -> None:
    given = {
        "name": "a",
        "hours": [7, 19],
        "labels": ["x", "y", "z"],
        "inner": {"share": 1, "on": True},
        "by_name": {"7d": {"days": 1, "gap_days": 0.5}},
    }
    found = build(Outer, given, "here")
    inner, horizons = Inner(share=1.0, on=True), {"7d": Horizon(1.0, 0.5)}
    assert found == Outer(name="a", hours=(7, 19), labels=("x", "y", "z"), inner=inner, by_name=horizons)
    assert found.inner is not None and type(found.inner.share) is float
    assert build(Outer, found.given(), "here") == found


def test_a_group_can_be_left_out_by_null() -> None:
    assert build(Outer, {"name": "a", "inner": None}, "here").inner is None


A = {"name": "a"}
DIGITS = ", in plain digits without quotes"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "here: name is missing. Add it: a text"),
        ({"name": "a", "nam": "b"}, "here: nam is unknown. Did you mean name?"),
        ({"name": "a", "share": 1}, "here: share is unknown. Write it as inner.share"),
        ({"name": "a", "z": 1}, "here: z is unknown. Known here: by_name, days, hours, inner, labels, name"),
        ({"name": "a", "inner": {"shar": 1}}, "here: inner.shar is unknown. Did you mean inner.share?"),
        ({"name": 5}, 'here: name is 5. Give a text, or put it in quotes: "5"'),
        ({"name": "a", "days": True}, "here: days is true. Give a whole number, 1 or more"),
        ({"name": "a", "days": 1.5}, "here: days is 1.5. Give a whole number, 1 or more"),
        ({"name": "a", "days": "5"}, f'here: days is "5". Give a whole number, 1 or more{DIGITS}'),
        ({"name": "a", "days": 0}, "here: days is 0. Give a whole number, 1 or more"),
        ({"name": "a", "hours": [7, 19, 20]}, "here: hours is [7, 19, 20]. Give a list of 2"),
        ({"name": "a", "hours": [7]}, "here: hours[1] is missing. Add it: a whole number"),
        ({"name": "a", "hours": 7}, "here: hours is 7. Give a list of 2"),
        ({"name": "a", "hours": [7, None]}, "here: hours[1] is null. Give a whole number"),
        ({"name": "a", "labels": "x"}, 'here: labels is "x". Give a list'),
        ({"name": "a", "inner": {"on": 1}}, "here: inner.on is 1. Give true or false"),
        ({"name": "a", "inner": {"share": 1.1}}, "here: inner.share is 1.1. Give a number from 0 to 1"),
        ({"name": "a", "inner": {"share": float("nan")}}, "here: inner.share is NaN. Give a number from 0 to 1"),
        ({"name": "a", "inner": [1]}, "here: inner is [1]. Give a mapping: one `name: value` per line"),
        ({**A, "by_name": {"7d": {"days": 1}}}, "here: by_name.7d.gap_days is missing. Add it: a number, 0 or more"),
        ({**A, "by_name": {"7d": {"days": 0, "gap_days": 0}}}, "here: by_name.7d.days is 0. Give a number above 0"),
        (["name"], 'here: the top level is ["name"]. Give a mapping: one `name: value` per line'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place_and_the_remedy(given: Any, words: str) -> None:
    with pytest.raises(ParameterError) as caught:
        build(Outer, given, "here")
    assert str(caught.value) == words
    assert caught.value.lines == (words,)


def test_everything_that_is_wrong_is_named_at_once_in_the_order_of_the_file() -> None:
    text = "labels: [a, 2]\ninner:\n  shar: 1\n  on: yes\ndays: 0\ninner: {}\n"
    with pytest.raises(ParametersError) as caught:
        build_from(Outer, parse_yaml(text.encode(), "a.yaml"))
    assert caught.value.lines == (
        "a.yaml has 4 mistakes:",
        "a.yaml:1:1: name is missing. Add it: a text",
        'a.yaml:1:13: labels[1] is 2. Give a text, or put it in quotes: "2"',
        "a.yaml:5:1: days is 0. Give a whole number, 1 or more",
        "a.yaml:6:1: inner is given twice, first in line 2. Remove one of them",
    )


def test_of_very_many_mistakes_the_first_are_shown() -> None:
    with pytest.raises(ParametersError) as caught:
        build(Outer, {"name": "a", "labels": [1] * 1000}, "here")
    first, *each, last = caught.value.lines
    assert (first, len(each), last) == ("here has 1000 mistakes:", 20, "... and 980 more")


@pytest.mark.parametrize("value", [b"x", object(), {"a": {1, 2}}])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(ParameterError, match="here cannot be written as JSON"):
        build(Outer, {"name": "a", "labels": [value]}, "here")


def test_settings_do_not_change_and_go_to_workers() -> None:
    found = build(Outer, {"name": "a", "inner": {"share": 1}}, "here")
    with pytest.raises(ValidationError):
        found.name = "b"
    assert pickle.loads(pickle.dumps(found)) == found


def test_other_values_are_checked() -> None:
    found = build(Outer, {"name": "a", "days": 2}, "here")
    assert found.changed("options", {"name": "b", "days": None}) == Outer(name="b", days=2)
    assert found.changed("options", {"days": None}) is found
    with pytest.raises(ParameterError, match=r"^options: days is 0\. Give a whole number"):
        found.changed("options", {"days": 0})
