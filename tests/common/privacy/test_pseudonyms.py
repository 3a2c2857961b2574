"""Pseudonyms are the same for the same person, read by their key alone, and told from anything else."""

from __future__ import annotations

import pytest

from common.errors import PseudonymKeyError
from common.privacy.places import HOST, SEALED, USER
from common.privacy.pseudonyms import Pseudonyms, parsed

ONE, OTHER = bytes(range(64)), bytes(range(64, 128))
LIKE_ONE = "user-1-" + "A" * 43
HOSTILE = ["a\0b", "a\0", "\x80", "😀" * 40, "x" * 70_000, "<script>", "' OR 1=1 --", LIKE_ONE, "=cmd()", "é"]


def test_the_same_person_has_the_same_pseudonym() -> None:
    names = (r"ACME\Alice", "alice@acme.example")
    assert len({Pseudonyms({1: ONE}, 1).of(USER, name) for name in names}) == 1
    assert Pseudonyms({1: ONE}, 1).of(USER, names[0]) == (
        "user-1-b5h-c9ro4KPhHyRQg3jBkDUPuJrfe4GfTXDl1xlII90"
    )  # the form of what lakes hold, which releases must not change


def test_kinds_keys_and_people_have_different_ones() -> None:
    made = Pseudonyms({1: ONE}, 1)
    others = [made.of(HOST, "alice"), made.of(USER, "bob"), Pseudonyms({1: OTHER}, 1).of(USER, "alice")]
    found = {text.split("-", 2)[2] for text in (made.of(USER, "alice"), *others)}
    assert len(found) == 4


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_comes_back(text: str) -> None:
    made = Pseudonyms({1: ONE}, 1)
    assert made.name_of(made.of(SEALED, text)) == text
    assert made.name_of(made.of(HOST, "Desk-1")) == "desk-1"


def test_a_pseudonym_does_not_tell_the_length_of_a_usual_name() -> None:
    made = Pseudonyms({1: ONE}, 1)
    assert len({len(made.of(USER, "a" * length)) for length in range(1, 16)}) == 1


@pytest.mark.parametrize("name", ["alice", *HOSTILE])
def test_masking_again_changes_nothing(name: str) -> None:
    made = Pseudonyms({1: ONE}, 1)
    masked = made.masked(USER, name)
    assert masked != name and made.masked(USER, masked) == masked


def test_another_key_takes_over_what_the_former_has_made() -> None:
    both, former = Pseudonyms({1: ONE, 2: OTHER}, 2), Pseudonyms({1: ONE}, 1)
    again = both.masked(USER, former.of(USER, "alice"))
    assert again == both.of(USER, "alice") and again.startswith("user-2-")
    assert both.all_of(USER, "alice") == {again, former.of(USER, "alice")}


def test_what_a_key_that_is_not_here_has_made_stays() -> None:
    made = Pseudonyms({2: OTHER}, 2).of(USER, "alice")
    here = Pseudonyms({1: ONE}, 1)
    assert here.masked(USER, made) == made
    with pytest.raises(PseudonymKeyError, match="was made with key 2; the keys at hand are 1"):
        here.name_of(made)


def test_a_wrong_key_and_an_altered_pseudonym_are_refused() -> None:
    made = Pseudonyms({1: ONE}, 1).of(USER, "alice")
    altered = made[:-2] + ("B" if made[-2] != "B" else "C") + made[-1]
    for key, text in ((OTHER, made), (ONE, altered), (ONE, made.replace("user", "host"))):
        with pytest.raises(PseudonymKeyError, match="was not made with this key 1"):
            Pseudonyms({1: key}, 1).name_of(text)


@pytest.mark.parametrize("text", ["alice", "", "user-1-", f"user-0-{'A' * 43}", f"{LIKE_ONE}A", f"user-1-{'!' * 43}"])
def test_what_is_no_pseudonym(text: str) -> None:
    assert parsed(text) is None
    with pytest.raises(PseudonymKeyError, match="is no pseudonym"):
        Pseudonyms({1: ONE}, 1).name_of(text)


def test_nothing_that_is_shown_has_the_key() -> None:
    made = Pseudonyms({1: ONE}, 1)
    assert f"{made!r} {made} {vars(made)}".count(str(ONE)[2:12]) == 0
    assert repr(made) == "Pseudonyms(versions=[1], current=1)"
