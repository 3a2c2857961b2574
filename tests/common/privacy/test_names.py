"""Which names are of the same person, and where a text quotes one."""

from __future__ import annotations

import json

import pytest

from common.privacy.names import person_of, quoting


@pytest.mark.parametrize(
    "name",
    [r"ACME\Alice", r"acme\alice", "Alice@acme.example", " alice@ACME ", "\uff21lice@acme", r"acme.example\alice"],
)
def test_forms_of_a_name_are_one_person(name: str) -> None:
    assert person_of(name) == "alice@acme"


@pytest.mark.parametrize("name", ["alice", r"other\alice", "alice@other.example", "alicea@acme", "alice@"])
def test_other_names_are_other_people(name: str) -> None:
    assert person_of(name) != "alice@acme"


@pytest.mark.parametrize("name", ["", "@", "\\", "a@", "@b", "\\b", "a\\"])
def test_what_is_no_whole_name_stays(name: str) -> None:
    assert person_of(name) == name


@pytest.mark.parametrize(
    ("text", "is_quoted"),
    [
        (r"2026,acme\alice,10.1.1.1", True),
        (json.dumps({"user": r"ACME\Alice"}), True),
        ("mail of alice@acme.example.", True),
        (r"acme\alicea", False),
        ("malice@acme.example", False),
        ("alice@acme-other", False),
        (r"big-acme\alice", False),
        ("alice", False),
    ],
)
def test_a_text_quotes_a_name_as_a_whole_word(text: str, is_quoted: bool) -> None:
    assert (quoting([r"acme\alice"]).search(text) is not None) == is_quoted


def test_signs_of_a_name_mean_nothing_else() -> None:
    assert quoting(["a.b+c"]).search("x a.b+c y") and not quoting(["a.b"]).search("x aXb y")
