"""Pseudonyms: names encrypted so that the same name gives the same text, and only who has the key reads it.

AES-SIV (RFC 5297) is deterministic and authenticated: no dictionary of names is kept anywhere, and a text that
another key has made, or nobody, is told from a pseudonym.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from common.errors import PseudonymKeyError
from common.privacy.names import folded, person_of
from common.privacy.places import HOST, SEALED, USER

BLOCK = 16
PATTERN = re.compile(rf"(?P<prefix>.*?)(?P<kind>{USER}|{HOST}|{SEALED})-(?P<version>[1-9][0-9]{{0,5}})-"
                     r"(?P<body>[A-Za-z0-9_-]{43,})", re.DOTALL)  # fmt: skip
PLAIN: Mapping[str, Callable[[str], str]] = {USER: person_of, HOST: folded, SEALED: str}
"""What is encrypted, by kind: names in the form in which they are told apart."""
REMEMBERED = 1 << 16


@dataclass(frozen=True)
class Sealed:
    """What the text of a pseudonym says without a key; `body` is encrypted."""

    kind: str
    version: int
    body: bytes


class Pseudonyms:
    """The pseudonyms of one project, made with the key number `current`; the others only read what they have made.

    Keys are of 64 bytes: AES-256-SIV.
    """

    def __init__(self, keys: Mapping[int, bytes], current: int) -> None:
        self._ciphers = {version: AESSIV(key) for version, key in keys.items()}
        self.current = current
        self.of = lru_cache(REMEMBERED)(self._of)

    def __repr__(self) -> str:
        return f"Pseudonyms(versions={sorted(self._ciphers)}, current={self.current})"

    def _of(self, kind: str, name: str, version: int | None = None) -> str:
        """The pseudonym of a name, or what seals a text; by the current key, unless another is named."""
        plain = PLAIN[kind](name).encode()
        number = self.current if version is None else version
        body = self._ciphers[number].encrypt(_padded(plain), [kind.encode()])
        return f"{kind}-{number}-{base64.urlsafe_b64encode(body).decode().rstrip('=')}"

    def all_of(self, kind: str, name: str) -> set[str]:
        """The pseudonyms that the name has by any of the keys."""
        return {self.of(kind, name, version) for version in self._ciphers}

    def masked(self, kind: str, text: str) -> str:
        """The text by the current key, whether it is plain or made by another key.

        What a key that is not here has made stays as it is. A text that only looks like a pseudonym is a name.
        """
        found = parsed(text)
        if found is None or found.kind != kind:
            return self.of(kind, text)
        if found.version not in self._ciphers:
            return text
        try:
            plain = self._opened(found)
        except InvalidTag:
            return self.of(kind, text)
        return text if found.version == self.current else self.of(kind, plain)

    def name_of(self, text: str) -> str:
        """The name, or the sealed text.

        Raises:
            PseudonymKeyError: it is no pseudonym, or none of these keys has made it.
        """
        found = parsed(text)
        if found is None:
            raise PseudonymKeyError(
                f"{_shown(text)} is no pseudonym", "Give what stands in a column of the lake, whole"
            )
        if found.version not in self._ciphers:
            held = ", ".join(map(str, sorted(self._ciphers)))
            raise PseudonymKeyError(
                f"{_shown(text)} was made with key {found.version}; the keys at hand are {held}",
                "Give the place of the keys that has it",
            )
        try:
            return self._opened(found)
        except InvalidTag:
            raise PseudonymKeyError(
                f"{_shown(text)} was not made with this key {found.version}: it is of another project, cut or altered",
                "Copy it whole, and check where the keys are from",
            ) from None

    def _opened(self, found: Sealed) -> str:
        return _unpadded(self._ciphers[found.version].decrypt(found.body, [found.kind.encode()])).decode()


def parsed(text: str) -> Sealed | None:
    """The parts of a text that has the form of a pseudonym, perhaps after the prefix of a machine; None of another."""
    match = PATTERN.fullmatch(text)
    if match is None:
        return None
    try:
        body = base64.b64decode(match["body"] + "=" * (-len(match["body"]) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    return Sealed(match["kind"], int(match["version"]), body) if len(body) % BLOCK == 0 else None


def _padded(plain: bytes) -> bytes:
    """Padded so that a pseudonym does not tell the length of a name: with a bit 1 and then 0, as ISO 7816-4 does."""
    return plain + b"\x80" + bytes(-(len(plain) + 1) % BLOCK)


def _unpadded(padded: bytes) -> bytes:
    return padded.rstrip(b"\0")[:-1]


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
