"""Registered domains of the URLs in logs, by a list of public suffixes that comes with its library.

The registered domain is the public suffix and one label more: `example.co.uk` of `https://www.example.co.uk/a`. Nothing
is asked of the network.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

HOST_MOST = 253
"""Characters of a host name; longer ones are none."""
_SCHEME = r"^[A-Za-z][A-Za-z0-9+.\-]*://"
_AFTER_HOST = r"(?s)[/?#\\].*$"
_BEFORE_HOST = r"(?s)^.*@"
_AFTER_NAME = r"\.?(:[0-9]*)?$"
_NAME = re.compile(r"([a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def registered_domains(urls: pa.StringArray) -> pa.StringArray:
    """The registered domain of each URL, with or without a scheme, in lower case, international names as `xn--...`.

    Null for an address, a file name, a name whose suffix nobody registers domains under, and whatever is no host name.
    """
    hosts = urls
    for part in (_SCHEME, _AFTER_HOST, _BEFORE_HOST, _AFTER_NAME):
        hosts = pc.replace_substring_regex(hosts, part, "")
    coded = hosts.dictionary_encode()
    found = pa.array(map(_registered, coded.dictionary.to_pylist()), pa.string())
    return found.take(coded.indices)


def _registered(host: str) -> str | None:
    """The registered domain of a host name; None if it is none or has none."""
    if len(host) > HOST_MOST:
        return None
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    host = host.lower()
    if not _NAME.fullmatch(host):
        return None
    found: str | None = _suffixes().privatesuffix(host)
    return found


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(accept_unknown=False)
