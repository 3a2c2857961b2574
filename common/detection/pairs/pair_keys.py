"""Keys of pairs: a number for each host, peer and service, where peers and services are those of some pairs only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from common.arrays import Flags, Integers
from common.detection.pairs.contacts import Contacts, Finder, distinct, places
from common.detection.pairs.evidence import NOVELTIES
from common.errors import TableError

ROLES = 2
SERVICES = ROLES << 16
KEYS_MOST = 1 << 54  # so that a key and a window of some days are one number


@dataclass(frozen=True, eq=False)
class PairKeys:
    """Makes keys of contacts: (host x targets + target) x services + service.

    Only what is in `peers`, `networks` (that of each peer, and each once) and `services` is told apart: the target is
    the place of the peer, else that of its network after all peers, else a last number; the service is its place, else
    a number for its role after these. So contacts that these pairs have nothing to do with have few keys. `met` has
    what the pairs are with, by the names of `NOVELTIES`: sorted values, each once.
    """

    peers: Integers
    network_of_peer: Integers
    networks: Integers
    owner_of_network: Integers
    owners: Integers
    services: Integers
    met: Mapping[str, Integers]

    @classmethod
    def of(cls, contacts: Sequence[Contacts]) -> PairKeys:
        """The keys for what these contacts are with."""
        used = [np.bincount(part.peer, minlength=len(part.peers)) > 0 for part in contacts]
        codes, network, owner = (
            np.concatenate([getattr(part, name)[mine] for part, mine in zip(contacts, used, strict=True)])
            for name in ("peers", "networks", "owners")
        )
        peers = distinct(codes)
        networks = distinct(network)
        network_of_peer = np.zeros(len(peers), dtype=np.int64)
        network_of_peer[places(peers, codes)[0]] = places(networks, network)[0]
        owners = distinct(owner[owner > 0])
        owner_of_network = np.full(len(networks), -1)
        owner_of_network[places(networks, network)[0]] = _places_or_none(owners, owner)
        services = np.zeros(SERVICES, dtype=bool)
        for part in contacts:
            services[part.service] = True
        keys = cls(peers, network_of_peer, networks, owner_of_network, owners, np.flatnonzero(services), {})
        parts = [keys.parts(keys.of_contacts(part))[1:] for part in contacts]
        met = {what: _known(np.concatenate([keys.value(what, *some) for some in parts])) for what in NOVELTIES}
        return replace(keys, met=met)

    def of_contacts(self, contacts: Contacts) -> Integers:
        """The key of each contact.

        Raises:
            TableError: there are more than `KEYS_MOST`.
        """
        if (int(contacts.host.max(initial=0)) + 1) * self._targets * len(self._roles) > KEYS_MOST:
            raise TableError(
                "delta_pair and pair_days name too many hosts, peers and services to score them together",
                "Take networks that are not yours out of internal_cidrs, and rebuild the slices",
            )
        target, known = self._peers.places(contacts.peers)
        others = np.flatnonzero(~known)
        network, known = self._finder.places(contacts.networks[others])
        owner = _places_or_none(self.owners, contacts.owners[others])
        last = np.where(owner < 0, self._targets - 1, len(self.peers) + len(self.networks) + owner)
        target[others] = np.where(known, len(self.peers) + network, last)
        service = len(self.services) + np.arange(SERVICES) % ROLES
        service[self.services] = np.arange(len(self.services))
        found = contacts.host.astype(np.int64)
        found *= self._targets
        found += target.take(contacts.peer)
        found *= len(self._roles)
        found += service.take(contacts.service)
        return found

    def parts(self, keys: Integers) -> tuple[Integers, Integers, Integers]:
        """Host, target and service of each key."""
        rest, service = np.divmod(keys, len(self._roles))
        host, target = np.divmod(rest, self._targets)
        return host, target, service

    def networks_and_services(self, keys: Integers) -> tuple[Integers, Integers]:
        """The code of the network and the service of each key, which is of a pair that the keys were made for."""
        _, target, service = self.parts(keys)
        return self.networks[self._networks[target]], self.services[service]

    def owners_of(self, keys: Integers) -> Integers:
        """The number of the owner of each key's network, 0 for none known."""
        _, target, _ = self.parts(keys)
        return np.append(self.owners, 0)[self._owners[target]]

    def inbound(self, service: Integers) -> Flags:
        """Whether the services are those of inbound contacts."""
        return self._roles[service] > 0

    def value(self, what: str, target: Integers, service: Integers) -> Integers:
        """What contacts are with, of that name in `NOVELTIES`, each in its role; -1 for what no pair is with."""
        if what == "peer":
            return np.where(target < len(self.peers), target * ROLES + self._roles[service], -1)
        known = service < len(self.services)
        if what == "service":
            return np.where(known, service, -1)
        place = (self._owners if what == "owner" else self._networks)[target]
        if what == "use":
            return np.where(known & (place >= 0), place * len(self.services) + service, -1)
        return np.where(place >= 0, place * ROLES + self._roles[service], -1)

    @property
    def _targets(self) -> int:
        return len(self.peers) + len(self.networks) + len(self.owners) + 1

    @cached_property
    def _peers(self) -> Finder:
        return Finder(self.peers)

    @cached_property
    def _finder(self) -> Finder:
        return Finder(self.networks)

    @cached_property
    def _networks(self) -> Integers:
        """The network of each target."""
        others = np.full(len(self.owners) + 1, -1)
        return np.concatenate([self.network_of_peer, np.arange(len(self.networks)), others])

    @cached_property
    def _owners(self) -> Integers:
        """The owner of each target."""
        of_network = np.append(self.owner_of_network, -1)[self._networks[: len(self.peers) + len(self.networks)]]
        return np.concatenate([of_network, np.arange(len(self.owners)), [-1]])

    @cached_property
    def _roles(self) -> Integers:
        """The role of each service."""
        return np.concatenate([self.services % ROLES, np.arange(ROLES)])


def _places_or_none(wanted: Integers, values: Integers) -> Integers:
    """The place of each value among the wanted ones, which are sorted; -1 for none."""
    place, known = places(wanted, values)
    return np.where(known, place, -1)


def _known(values: Integers) -> Integers:
    """The values that are not negative, sorted, each once."""
    return distinct(values[values >= 0])
