import numpy as np
import pytest

from common.arrays import Integers
from common.pair_keys import MOST_PEERS, Layout, distinct, first_of_each, grouped, together


def array(*values: int) -> Integers:
    return np.array(values, dtype=np.int64)


def test_a_key_has_its_parts_and_sorts_by_them_in_turn() -> None:
    layout = Layout.up_to(11)
    owner, peer, port, low = (
        array(7, 7, 7, 8),
        array(1, MOST_PEERS - 1, 2, 0),
        array(65_535, 0, 443, 0),
        array(11, 0, 3, 0),
    )
    keys = layout.keys(owner, peer, port, low)
    for found, expected in ((layout.owner, owner), (layout.peer, peer), (layout.port, port), (layout.low, low)):
        np.testing.assert_array_equal(found(keys), expected)
    np.testing.assert_array_equal(np.argsort(keys), [0, 2, 1, 3])
    assert (keys >= 0).all()


def test_the_largest_owner_fits_and_no_other() -> None:
    layout = Layout.up_to(127)
    last = array(layout.most_owners - 1)
    assert layout.owner(layout.keys(last, array(0), 0, array(0))) == last
    with pytest.raises(OverflowError, match="owners"):
        layout.keys(last + 1, array(0), 0, array(0))
    with pytest.raises(OverflowError, match="peers"):
        layout.keys(last, array(MOST_PEERS), 0, array(0))


def test_rows_of_a_key_are_added_up() -> None:
    keys, sessions, size = grouped(array(5, 3, 5, 5), array(1, 2, 3, 4), array(10, 20, 30, 40))
    assert (keys.tolist(), sessions.tolist(), size.tolist()) == ([3, 5], [2, 8], [20, 80])
    keys, sessions = together([(array(3, 5), array(1, 2)), (array(2, 5), array(4, 8))])
    assert (keys.tolist(), sessions.tolist()) == ([2, 3, 5], [4, 1, 10])
    assert distinct(array(4, 1, 4, 0)).tolist() == [0, 1, 4]
    assert first_of_each(array(0, 0, 2, 2, 9)).tolist() == [0, 2, 4]


def test_no_rows() -> None:
    keys, sessions = grouped(array(), array())
    assert (len(keys), len(sessions), len(distinct(array()))) == (0, 0, 0)
