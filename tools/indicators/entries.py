"""Indicators as files say them: what can be met, since when, and how sure the source is."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from common.addresses import Network
from common.canonical import network_text
from common.display import counted
from common.errors import one_line

LABELS = 20
LONGEST = 300
HASH = re.compile(r"[0-9A-Fa-f]{32}([0-9A-Fa-f]{8}|[0-9A-Fa-f]{32}|[0-9A-Fa-f]{96})?")
DOMAIN = re.compile(r"(?=.{1,253}$)(\*\.)?([\w-]{1,63}\.)+(?!\d+$)[\w-]{2,63}\.?")
WITH_PORT = re.compile(r"(\[(?P<ipv6>[^\]]+)\]|(?P<ipv4>[0-9.]+))[:|](?P<port>[0-9]{1,5})")
WORDS = {"low": 15, "medium": 50, "med": 50, "high": 85}
"""Confidence in words, as STIX 2.1 puts it in numbers."""

DOMAIN_KIND, HASH_KIND, EMAIL_KIND, URL_KIND = "domain", "hash value", "e-mail address", "URL"


class UnusableError(Exception):
    """No session can meet it; the message says what it is."""


@dataclass(frozen=True)
class Entry:
    """An address or a network (canonical text), perhaps on one port, what its source says, and where it stands."""

    value: str
    port: int | None
    source: str
    labels: tuple[str, ...] = ()
    confidence: int | None = None
    reference: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    is_withdrawn: bool = False
    place: str = ""


@dataclass
class Found:
    """What a file has: entries, how many of what no session can meet, and what is wrong and where."""

    file: str
    entries: list[Entry] = field(default_factory=list)
    unusable: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(
        self, place: str, texts: list[tuple[str, int | None]], entry_of: Callable[[str, int | None], Entry]
    ) -> None:
        """Adds an entry for each text; or counts it, or says what is wrong with it."""
        for text, port in texts:
            try:
                value, own_port = target_of(text)
                entry = entry_of(value, port if own_port is None else own_port)
                self.entries.append(replace(entry, place=f"{self.file}:{place}"))
            except UnusableError as error:
                self.unusable[str(error)] += 1
            except ValueError as error:
                self.wrong.append(f"{self.file}:{place}: {error}")

    @property
    def others(self) -> str:
        """In words, what no session can meet."""
        return ", ".join(counted(count, kind) for kind, count in sorted(self.unusable.items()))


def target_of(text: str) -> tuple[str, int | None]:
    """The address or network that a text names, and its port if it names one; `1.2.3[.]4` is `1.2.3.4`.

    Raises:
        UnusableError: it is a domain, a hash, or what else no session has.
        ValueError: it is nothing that is known.
    """
    plain = re.sub(r"[\[({]\.[\])}]", ".", text.strip()).replace("[:]", ":")
    if "://" in plain:
        return _of_url(plain)
    if found := WITH_PORT.fullmatch(plain):
        return canonical(found["ipv6"] or found["ipv4"]), port_of(found["port"])
    try:
        return canonical(plain), None
    except ValueError:
        pass
    if HASH.fullmatch(plain):
        raise UnusableError(HASH_KIND)
    if DOMAIN.fullmatch(plain):
        raise UnusableError(DOMAIN_KIND)
    if re.fullmatch(r"[^@\s]+@[^@\s]+", plain):
        raise UnusableError(EMAIL_KIND)
    raise ValueError(f"{one_line(text, 60)!r} is neither an address nor a network such as 203.0.113.0/24")


def _of_url(text: str) -> tuple[str, int | None]:
    """The address of a URL, where it has one."""
    try:
        parts = urlsplit(text)
        return canonical(parts.hostname or ""), parts.port
    except ValueError:
        raise UnusableError(URL_KIND) from None


def canonical(text: str) -> str:
    """An address, or a network with its length, in the form of the tables; a network of one address is that address.

    Raises:
        ValueError: it is neither.
    """
    if "%" in text:
        raise ValueError(f"{one_line(text, 60)!r} has a zone")
    return network_text(text)


def port_of(value: Any) -> int | None:
    """The port that a value names; None for an empty one.

    Raises:
        ValueError: it is no port.
    """
    if value is None or value == "":
        return None
    try:
        number = int(str(value))
    except ValueError:
        number = -1
    if not 0 < number <= 65535:
        raise ValueError(f"{one_line(value, 60)!r} is no port")
    return number


def moment_of(value: Any) -> datetime | None:
    """The time of an ISO 8601 text, in UTC where it has no zone, or of seconds since 1970; None for an empty one.

    Raises:
        ValueError: it is no time.
    """
    if value is None or value == "":
        return None
    try:
        text = str(value).strip()
        if re.fullmatch(r"[0-9]{9,11}", text):
            return datetime.fromtimestamp(int(text), UTC)
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{one_line(value, 60)!r} is no time such as 2026-03-10T13:08:00Z") from None


def confidence_of(value: Any) -> int | None:
    """Percent; `low`, `medium` and `high` as STIX has them. None for an empty value.

    Raises:
        ValueError: it is neither.
    """
    if value is None or value == "":
        return None
    word = str(value).strip().lower()
    if word in WORDS:
        return WORDS[word]
    try:
        number = float(word)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise ValueError(f"{one_line(value, 60)!r} is no confidence from 0 to 100")
    return round(number)


def labels_of(*values: Any) -> tuple[str, ...]:
    """Labels, each once, in their order; a few short ones at most."""
    found = (one_line(value, LONGEST) for value in values if isinstance(value, str))
    return tuple(dict.fromkeys(filter(None, found)))[:LABELS]


def text_of(value: Any) -> str | None:
    """A text, shortened; None where there is none."""
    return (one_line(value, LONGEST) or None) if isinstance(value, str) else None


def bounds(value: str) -> tuple[int, int, int]:
    """Version, first and last address of a network."""
    network: Network = ipaddress.ip_network(value)
    return network.version, int(network.network_address), int(network.broadcast_address)
