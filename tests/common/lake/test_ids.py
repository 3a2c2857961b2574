"""Identifiers that sort by time."""

from common.lake.ids import new_id


def test_later_identifiers_sort_later() -> None:
    made = [new_id() for _ in range(3)]
    assert len(set(made)) == 3
    assert [identifier[:23] for identifier in made] == sorted(identifier[:23] for identifier in made)


def test_an_identifier_sorts_behind_one_of_a_clock_that_is_ahead() -> None:
    ahead = "2999" + new_id()[4:]
    assert new_id(after=ahead) > ahead
