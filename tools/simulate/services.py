"""The internet as seen from the office: services with their popularity, kinds and addresses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.arrays import Floats, Integers
from tools.simulate.plans import Addresses
from tools.simulate.profiles import CODE

SERVICES, HIDDEN = 420, 4  # hidden services are unused until rolled out
WIDTH = 12  # most addresses of a service in use on one day
POOL = 250  # addresses that a content network rotates through
INTERNET, CHURN = 21, 22  # random streams
FIRST_OCTETS = np.array(
    [3, 13, 18, 20, 23, 34, 35, 40, 44, 50, 52, 54, 63, 64, 65, 66, 67, 68, 69, 74, 80, 81, 82, 84, 85, 89, 91, 93, 95,
     99, 104, 107, 108, 129, 130, 134, 138, 140, 142, 143, 144, 146, 147, 149, 151, 152, 157, 159, 160, 162, 163, 164,
     165, 167, 168, 173, 176, 178, 184, 185, 188, 193, 194, 195, 199, 204, 205, 206, 207, 208, 209, 212, 213, 216],
    dtype=np.uint32,
)  # fmt: skip
# kind of a service: share of the services, profiles of its sessions with their shares
KINDS: dict[str, tuple[float, dict[str, float]]] = {
    "site": (0.46, {"web": 0.84, "quic": 0.08, "http": 0.08}),
    "content": (0.20, {"web": 0.66, "quic": 0.31, "http": 0.03}),
    "google": (0.07, {"google": 0.55, "quic": 0.40, "video": 0.05}),
    "office": (0.08, {"office": 0.85, "quic": 0.06, "cloud": 0.09}),
    "chat": (0.05, {"chat": 0.94, "upload": 0.01, "quic": 0.05}),
    "cloud": (0.06, {"cloud": 0.55, "web": 0.43, "upload": 0.02}),
    "video": (0.04, {"video": 0.45, "quic": 0.40, "web": 0.15}),
    "old": (0.04, {"http": 0.8, "web": 0.2}),
}


@dataclass(frozen=True)
class Internet:
    """All services by number; arrays are `(n_services,)` or `(n_services, ...)`."""

    seed: int
    popularity: Floats  # Zipf weights; 0 = hidden
    kind: npt.NDArray[np.int16]
    addresses: Addresses  # (n_services, WIDTH), repeated where a service has fewer
    base: Addresses  # first address of the range of a content network, 0 = fixed addresses
    vendor: Addresses  # fixed addresses of machines' own services (updates, agents, telemetry, time, DNS)

    @property
    def hidden(self) -> Integers:
        """Services rolled out later."""
        return np.flatnonzero(self.popularity == 0)

    def of_kind(self, name: str) -> Integers:
        """Services of one kind in use."""
        return np.flatnonzero((self.kind == list(KINDS).index(name)) & (self.popularity > 0))

    def addresses_on(self, day: int) -> Addresses:
        """The addresses in use on a day, `(n_services, WIDTH)`; content networks rotate within their range."""
        rng = np.random.default_rng([self.seed, CHURN, day])
        moved = self.base[:, None] + rng.integers(0, POOL, (len(self.base), WIDTH)).astype(np.uint32)
        stays = rng.random((len(self.base), WIDTH)) < 0.75
        return np.where((self.base > 0)[:, None] & ~stays, moved, self.addresses)

    def profiles_of(self, services: Integers, rng: np.random.Generator) -> npt.NDArray[np.int16]:
        """A profile for each service, drawn from the mix of its kind."""
        place = (rng.random(len(services))[:, None] > _MIX[self.kind[services]]).sum(axis=1)
        return np.asarray(_CHOICES[self.kind[services], place])


def make_internet(seed: int) -> Internet:
    """The services of a seed, by falling popularity, hidden ones last."""
    rng = np.random.default_rng([seed, INTERNET])
    ranks = np.arange(1, SERVICES + 1)
    popularity = np.where(ranks <= SERVICES - HIDDEN, ranks**-1.05, 0.0)
    shares = np.array([share for share, _ in KINDS.values()])
    kind = rng.choice(len(KINDS), SERVICES, p=shares).astype(np.int16)
    kind[:6] = [list(KINDS).index(k) for k in ("office", "content", "google", "content", "chat", "video")]
    first = public_addresses(SERVICES, rng)
    moves = np.isin(kind, [list(KINDS).index(k) for k in ("content", "video")])
    counts = np.minimum(1 + rng.geometric(0.35, SERVICES) + 6 * (popularity > 0.05), WIDTH)
    column = np.arange(WIDTH)[None, :] % counts[:, None]
    near = rng.integers(0, 240, (SERVICES, WIDTH)).astype(np.uint32)
    fixed = (first & np.uint32(0xFFFFFF00))[:, None] + np.take_along_axis(near, column, axis=1)
    base = np.where(moves, first & np.uint32(0xFFFFF000), 0).astype(np.uint32)
    vendor = public_addresses(16, rng)
    return Internet(seed, popularity, kind, fixed.astype(np.uint32), base, vendor)


def public_addresses(count: int, rng: np.random.Generator) -> Addresses:
    """Random addresses outside private and reserved ranges."""
    high = FIRST_OCTETS[rng.integers(len(FIRST_OCTETS), size=count)] << np.uint32(24)
    return (high + (rng.integers(1, 0x00FFFF, count) << 8).astype(np.uint32)
            + rng.integers(1, 255, count).astype(np.uint32)).astype(np.uint32)  # fmt: skip


_MIX = np.ones((len(KINDS), 3))
_CHOICES = np.zeros((len(KINDS), 3), dtype=np.int16)
for _row, (_, _mix) in enumerate(KINDS.values()):
    _MIX[_row, : len(_mix)] = np.cumsum(list(_mix.values())) + 1e-9
    _CHOICES[_row, : len(_mix)] = [CODE[name] for name in _mix]
