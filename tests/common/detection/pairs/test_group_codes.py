import numpy as np
import pyarrow as pa

from common.detection.pairs.contacts import codes_of_networks
from common.detection.pairs.group_codes import group_codes


def test_groups_of_ipv4_networks_are_exact_and_those_of_ipv6_networks_hashes() -> None:
    networks = codes_of_networks(pa.array(["198.51.100", "198.51.101", "2001:db8::/64", "2001:db8:0:1::/64"]))
    services = np.array([2 * 443, 2 * 443 + 1, 2 * 65_535 + 1])
    places, of_services = (part.ravel() for part in np.meshgrid(networks, services))
    found = group_codes(places, of_services)
    assert len(np.unique(found)) == 12
    assert found[(places >= 0) & (of_services == 886)].tolist() == [
        (((198 << 8 | 51) << 8 | last) << 17 | 886) for last in (100, 101)
    ]
    assert ((found < 0) == (places < 0)).all()


def test_the_code_of_a_group_never_changes() -> None:
    """Models keep it: these were written down when the codes were made."""
    networks = codes_of_networks(pa.array(["2001:db8::/64"]))
    assert group_codes(networks, np.array([886])).tolist() == [-3440939982311592896]
