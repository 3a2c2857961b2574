"""Patterns of STIX: those that are about addresses, networks and ports alone.

A parser of the whole language takes half a millisecond for each pattern, a minute for a large bundle; this takes the
part of it that a contact can meet, and says what the rest is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.indicators.entries import DOMAIN_KIND, EMAIL_KIND, HASH_KIND, URL_KIND, UnusableError

TOKEN = re.compile(
    r"\s*(?:(?P<mark>[\[\](),])|(?P<text>'(?:[^'\\]|\\.)*')|(?P<number>[0-9]+)"
    r"|(?P<path>[a-z0-9-]+:[A-Za-z0-9_.'*\[\]-]*[A-Za-z0-9_'])|(?P<word>=|AND\b|OR\b|IN\b|ISSUBSET\b))"
)
ADDRESSES = frozenset(
    ("ipv4-addr:value", "ipv6-addr:value", "network-traffic:dst_ref.value", "network-traffic:src_ref.value")
)
PORT = "network-traffic:dst_port"
OTHERS = {"domain-name": DOMAIN_KIND, "file": HASH_KIND, "email-addr": EMAIL_KIND, "email-message": EMAIL_KIND}
COMPLEX = "pattern of several conditions"

Target = tuple[str, int | None]
Comparison = tuple[str, list[str]]
"""The path of a property, and the values that it may have."""


def targets(pattern: str) -> tuple[list[Target], list[str]]:
    """The addresses with their ports that meet a pattern, and what else would meet it that no session has.

    Raises:
        UnusableError: the pattern asks for more than an address and its port.
    """
    found: list[Target] = []
    others: list[str] = []
    tokens = _Tokens(pattern)
    while True:
        comparisons, joined_by = _observation(tokens)
        if joined_by == "AND":
            found += _together(comparisons)
        else:
            for path, values in comparisons:
                if path in ADDRESSES or path == "url:value":
                    found += [(value, None) for value in values]
                else:
                    others.append(_kind(path))
        if tokens.is_done:
            return found, others
        tokens.take("OR")


class _Tokens:
    """The tokens of a pattern, one after the other."""

    def __init__(self, pattern: str) -> None:
        self._found = list(_tokens(pattern))
        self._at = 0

    @property
    def is_done(self) -> bool:
        return self._at == len(self._found)

    def next(self) -> tuple[str, str]:
        """The next token: its kind and its text."""
        if self.is_done:
            raise UnusableError(COMPLEX)
        self._at += 1
        return self._found[self._at - 1]

    def take(self, *wanted: str) -> str:
        """The text of the next token, which must be one of these."""
        _, text = self.next()
        if text not in wanted:
            raise UnusableError(COMPLEX)
        return text

    def of_kind(self, *kinds: str) -> str:
        """The text of the next token, which must be of one of these kinds."""
        kind, text = self.next()
        if kind not in kinds:
            raise UnusableError(COMPLEX)
        return re.sub(r"\\(.)", r"\1", text[1:-1]) if kind == "text" else text


def _tokens(pattern: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(pattern.rstrip())
    while at < end:
        match = TOKEN.match(pattern, at)
        if match is None:
            raise UnusableError(COMPLEX)
        yield str(match.lastgroup), match[str(match.lastgroup)]
        at = match.end()


def _observation(tokens: _Tokens) -> tuple[list[Comparison], str]:
    """The comparisons between brackets, and what joins them."""
    tokens.take("[")
    found, joined_by = [_comparison(tokens)], set()
    while (mark := tokens.take("]", "AND", "OR")) != "]":
        joined_by.add(mark)
        found.append(_comparison(tokens))
    if len(joined_by) > 1:
        raise UnusableError(COMPLEX)
    return found, next(iter(joined_by), "OR")


def _comparison(tokens: _Tokens) -> Comparison:
    path = tokens.of_kind("path")
    if tokens.take("=", "ISSUBSET", "IN") != "IN":
        return path, [tokens.of_kind("text", "number")]
    tokens.take("(")
    values = [tokens.of_kind("text", "number")]
    while tokens.take(",", ")") == ",":
        values.append(tokens.of_kind("text", "number"))
    return path, values


def _together(comparisons: list[Comparison]) -> list[Target]:
    """The addresses and ports that meet all comparisons: some of one address, and perhaps of one port."""
    addresses = [values for path, values in comparisons if path in ADDRESSES]
    ports = [values for path, values in comparisons if path == PORT]
    if len(addresses) != 1 or len(ports) > 1 or len(addresses) + len(ports) != len(comparisons):
        raise UnusableError(COMPLEX)
    numbers = [int(value) for value in ports[0] if value.isdigit()] if ports else [None]
    return [(value, number) for value in addresses[0] for number in numbers]


def _kind(path: str) -> str:
    name = path.partition(":")[0]
    return URL_KIND if name == "url" else OTHERS.get(name, f"{name} property")
