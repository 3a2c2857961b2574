"""Who owns networks: numbers and names of autonomous systems, by an MMDB file such as GeoLite2-ASN."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from common.arrays import Integers
from common.detection.pairs.contacts import LATE, Finder, networks
from common.detection.registry.formats import sha256
from common.errors import ModelError, ParameterError
from common.storage.files import Folder
from common.storage.filesystems import normal_uri

if TYPE_CHECKING:
    from maxminddb import Reader

NUMBER, NAME = "autonomous_system_number", "autonomous_system_organization"
NUMBERS_END = 1 << 32
NO_NETWORK = LATE
"""No code of a network."""
NAME_MOST = 80
"""Characters of a name that are kept; files have names of up to about 60."""
FORMAT = "Give a database of autonomous systems in the MMDB format, like GeoLite2-ASN or DB-IP ASN Lite"


@dataclass(frozen=True)
class OwnersFile:
    """An MMDB file: where it is, what it is (`database`, `built`, a UTC date), and the SHA-256 of its content."""

    uri: str
    database: str
    built: str
    sha256: str

    def to_dict(self) -> dict[str, str]:
        """What a model says of it: not where it was."""
        return {"database": self.database, "built": self.built, "sha256": self.sha256}


def read_owners(uri: str | None) -> OwnersFile | None:
    """The file at that path or URI, verified; None without one.

    Raises:
        StorageError: it cannot be read.
        ParameterError: it is no database of owners.
    """
    if not uri:
        return None
    content = _content(uri)
    with _reported(uri):
        reader = _opened(content)
        entry = next(iter(reader), (None, None))[1]
        built = datetime.fromtimestamp(reader.metadata().build_epoch, UTC)
        database = _text(reader.metadata().database_type)
    if not isinstance(entry, dict) or not _number(entry):
        raise ParameterError(f"network_owners {uri} has no {NUMBER}", FORMAT)
    return OwnersFile(uri, database, f"{built:%Y-%m-%d}", sha256(content))


def owners_of_model(manifest: Mapping[str, Any], uri: str | None) -> OwnersFile | None:
    """The owners that a model of that manifest scores with: those at the URI if it has learnt with any, else none.

    Their file may be a newer one: what is new is counted anew each time.

    Raises:
        ModelError: the model has learnt with owners, and there is no URI.
        StorageError: the file cannot be read.
        ParameterError: it is no database of owners.
    """
    if not manifest.get("owners"):
        return None
    if not uri:
        raise ModelError(
            f"model {manifest['run_id']} was trained with owners of networks, but the project has no network_owners",
            "Give network_owners in the project parameters, or train the model again",
        )
    return read_owners(uri)


class Owners:
    """Finds the owners of networks in a file; each network is looked up once.

    `names` has those of all numbers found so far, as `AS64500 Example Hosting`.
    """

    def __init__(self, file: OwnersFile, ipv6_network_bits: int) -> None:
        self._file, self._ipv6_bits = file, ipv6_network_bits
        self._networks, self._numbers = np.array([NO_NETWORK]), np.zeros(1, dtype=np.int64)
        self._finder = Finder(self._networks)
        self.names: dict[int, str] = {}

    def of(self, addresses: pa.StringArray, codes: Integers) -> Integers:
        """The number of the owner of each address's network, which has that code; 0 where none is known.

        Raises:
            ParameterError: the file is damaged, or has changed since it was read first.
        """
        place, known = self._finder.places(codes)
        if not known.all():
            rows = np.flatnonzero(~known)
            fresh, first = np.unique(codes[rows], return_index=True)
            numbers = self._looked_up(addresses.take(pa.array(rows[first])))
            where = np.searchsorted(self._networks, fresh)
            self._networks = np.insert(self._networks, where, fresh)
            self._numbers = np.insert(self._numbers, where, numbers)
            self._finder = Finder(self._networks)
            place, _ = self._finder.places(codes)
        return self._numbers[place]

    def _looked_up(self, addresses: pa.StringArray) -> Integers:
        """The numbers of the owners of the addresses' networks: of the first address of each."""
        reader = _reader(self._file)
        found = np.zeros(len(addresses), dtype=np.int64)
        names = networks(addresses, self._ipv6_bits).to_pylist()
        with _reported(self._file.uri):
            of_ipv4_only = reader.metadata().ip_version == 4
            for place, name in enumerate(names):
                if of_ipv4_only and ":" in name:
                    continue
                entry = reader.get(name.partition("/")[0] if ":" in name else f"{name}.0")
                if isinstance(entry, dict) and (number := _number(entry)):
                    found[place] = number
                    if number not in self.names:
                        self.names[number] = f"AS{number} {_text(entry.get(NAME))}".strip()
        return found


@lru_cache(maxsize=1)
def _reader(file: OwnersFile) -> Reader:
    """The file, opened once in a process."""
    content = _content(file.uri)
    if sha256(content) != file.sha256:
        raise ParameterError(f"network_owners {file.uri} changed while it was read", "Run the command again")
    with _reported(file.uri):
        return _opened(content)


def _content(uri: str) -> bytes:
    folder, _, name = normal_uri(uri).rpartition("/")
    return Folder(folder).read(name)


def _opened(content: bytes) -> Reader:
    """A reader of that content, by the library's C code, which takes files only."""
    import maxminddb

    with tempfile.NamedTemporaryFile(suffix=".mmdb") as copy:
        copy.write(content)
        copy.flush()
        return maxminddb.open_database(copy.name)


@contextmanager
def _reported(uri: str) -> Iterator[None]:
    """Says of a damaged file which one it is."""
    try:
        yield
    except (RuntimeError, ValueError, OverflowError) as error:  # the library's own is a RuntimeError
        raise ParameterError(f"network_owners {uri} cannot be read: {error}", FORMAT) from None


def _number(entry: Mapping[str, Any]) -> int:
    """The number of the owner in a record; 0 for none."""
    number = entry.get(NUMBER)
    return number if type(number) is int and 0 < number < NUMBERS_END else 0


def _text(value: Any) -> str:
    """A text of the file on one line, of printable characters."""
    return "".join(letter if letter.isprintable() else " " for letter in str(value or "")[:NAME_MOST]).strip()
