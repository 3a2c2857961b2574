"""Registered domains of URLs, as logs have them, and of what is none."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pytest

from common.domains import registered_domains

NAMES = [
    ("https://www.Example.co.uk/a?b#c", "example.co.uk"),
    ("example.com", "example.com"),
    ("www.example.com:8443/", "example.com"),
    ("www.example.com./", "example.com"),
    ("http://user:secret@evil.com.@good.org/evil.com", "good.org"),
    ("a.b.github.io/", "b.github.io"),  # whoever registers there is not whoever owns github.io
    ("пример.рф/", "xn--e1afmkfd.xn--p1ai"),
    ("xn--e1afmkfd.xn--p1ai/", "xn--e1afmkfd.xn--p1ai"),
    ("www.example.com\\evil.org", "example.com"),
]
NONE = [
    "198.51.100.7/", "198.51.100.256/", "http://0x7f.1/", "[2001:db8::1]:443/", "com", "co.uk/", "localhost/",
    "printer.local/", "report.exe", "a..com/", ".com", "." * 300, "-", "", "http:///x", "//example.net/x",
    "a" * 64 + ".com", ("a" * 60 + ".") * 10 + "com/", "x\x00y.com/", "ex\tample.com", "\n\n.com/", "\ufffd.com",
    "exa mple.com", "é" * 70 + ".com",
]  # fmt: skip


def test_urls_have_the_domain_that_somebody_registered() -> None:
    urls, domains = zip(*NAMES, strict=True)
    assert registered_domains(pa.array([*urls, None])).to_pylist() == [*domains, None]


@pytest.mark.parametrize("url", NONE)
def test_what_is_no_name_has_none(url: str) -> None:
    assert registered_domains(pa.array([url])).to_pylist() == [None]


def test_nothing_is_asked_of_the_network() -> None:
    script = (
        "import socket\n"
        "def refused(*_): raise SystemExit('asked the network')\n"
        "socket.socket = socket.getaddrinfo = socket.create_connection = refused\n"
        "import pyarrow as pa\n"
        "from common.domains import registered_domains\n"
        "print(registered_domains(pa.array(['www.example.org/']))[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "example.org\n"
