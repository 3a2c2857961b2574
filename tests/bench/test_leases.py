import pyarrow as pa
import pytest

from bench.detection.leases import new_addresses, renamed

HOSTS = [f"10.20.{network}.{last}" for network in (10, 11) for last in range(20, 50)]


@pytest.mark.parametrize("to", ["fresh", "swapped"])
def test_a_third_of_hosts_change_to_an_address_of_their_network(to: str) -> None:
    found = new_addresses(HOSTS, to)
    assert 12 <= len(found) <= 28 and len(set(found.values())) == len(found)
    assert all(old != new and old.rpartition(".")[0] == new.rpartition(".")[0] for old, new in found.items())
    assert set(found.values()) == set(found) if to == "swapped" else not set(found.values()) & set(HOSTS)


def test_swapped_addresses_are_changed_all_at_once() -> None:
    column = pa.chunked_array([["a", "b", "c"], ["b"]])
    assert renamed(column, {"a": "b", "b": "a"}).to_pylist() == ["b", "a", "c", "a"]
