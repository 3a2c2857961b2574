import pytest
from stix2.pattern_visitor import create_pattern_object

from tools.indicators.entries import UnusableError
from tools.indicators.formats.patterns import COMPLEX, targets


@pytest.mark.parametrize(
    ("pattern", "found", "others"),
    [
        ("[ipv4-addr:value = '203.0.113.9']", [("203.0.113.9", None)], []),
        ("[ipv6-addr:value='2001:db8::1' ]", [("2001:db8::1", None)], []),
        ("[ipv4-addr:value ISSUBSET '198.51.100.0/24']", [("198.51.100.0/24", None)], []),
        ("[ipv4-addr:value IN ('1.2.3.4', '1.2.3.5')]", [("1.2.3.4", None), ("1.2.3.5", None)], []),
        ("[ipv4-addr:value = '1.2.3.4' OR domain-name:value = 'a.example']", [("1.2.3.4", None)], ["domain"]),
        ("[ipv4-addr:value = '1.2.3.4'] OR [file:hashes.'SHA-256' = 'ab']", [("1.2.3.4", None)], ["hash value"]),
        (
            "[network-traffic:dst_ref.value = '1.2.3.4' AND network-traffic:dst_port = 443]",
            [("1.2.3.4", 443)],
            [],
        ),
        ("[url:value = 'http://1.2.3.4:8080/x']", [("http://1.2.3.4:8080/x", None)], []),
        ("[windows-registry-key:key = 'a\\\\b\\'c']", [], ["windows-registry-key property"]),
    ],
)
def test_patterns_of_addresses(pattern: str, found: list[tuple[str, int | None]], others: list[str]) -> None:
    create_pattern_object(pattern, version="2.1")  # the library takes it, too
    assert targets(pattern) == (found, others)


@pytest.mark.parametrize(
    "pattern",
    [
        "[ipv4-addr:value = '1.2.3.4'] FOLLOWEDBY [ipv4-addr:value = '1.2.3.5']",
        "[ipv4-addr:value = '1.2.3.4'] WITHIN 5 SECONDS",
        "[ipv4-addr:value != '1.2.3.4']",
        "[NOT ipv4-addr:value = '1.2.3.4']",
        "[ipv4-addr:value LIKE '1.2.%']",
        "[ipv4-addr:value = '1.2.3.4' AND domain-name:value = 'a.example']",
        "[ipv4-addr:value = '1.2.3.4' AND ipv4-addr:value = '1.2.3.5']",
        "[ipv4-addr:value = '1.2.3.4'",
        "ipv4-addr:value = '1.2.3.4'",
        "",
        "[" * 5000,
    ],
)
def test_what_asks_for_more_is_left_out(pattern: str) -> None:
    with pytest.raises(UnusableError, match=COMPLEX):
        targets(pattern)
