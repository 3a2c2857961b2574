"""Hand-made sessions for what logs say of pairs: applications, domains and threats."""

from __future__ import annotations

from typing import Any

from tests.factories import session, threat

Rows = list[dict[str, Any]]


def words() -> Rows:
    """Applications, and registered domains of URLs. Hosts 10.8.1.x."""

    def url(text: str | None, **overrides: Any) -> dict[str, Any]:
        return threat(**{"src_ip": "10.8.1.3", "subtype": "url", "url": text, **overrides})

    return [
        # most sessions, not most records; of as many the first by name; what is no application does not count
        session(src_ip="10.8.1.1", app="web-browsing", repeat_count=3),
        *(session(src_ip="10.8.1.1", app="ssl") for _ in range(2)),
        *(session(src_ip="10.8.1.1", app="incomplete", repeat_count=9) for _ in range(2)),
        *(session(src_ip="10.8.1.1", dst_port=8443, app=app) for app in ("ssl", "quic", None)),
        session(src_ip="10.8.1.1", dst_port=25, app="not-applicable"),
        session(src_ip="10.8.1.1", dst_port=26, app="insufficient-data"),
        # the logs of another service, protocol, host or window, and of a session that is none, say nothing of a pair
        session(src_ip="10.8.1.2"),
        url("a.example.com/", src_ip="10.8.1.2", dst_port=80),
        url("a.example.com/", src_ip="10.8.1.2", protocol="udp"),
        url("a.example.com/", src_ip="10.8.1.2", end_ts="2026-03-10T12:00:00"),
        url("a.example.com/", src_ip="10.8.1.9"),
        # most URLs; of as many the first by name; addresses, names of files and what is no URL have none
        session(src_ip="10.8.1.3"),
        *(url(text) for text in ("b.example.com/1", "https://example.com:443/2", "example.org", "x.example.org/3")),
        *(url(text) for text in ("198.51.100.7/", "[2001:db8::1]/", "user@host", "a" * 600 + ".com/", "", None)),
        session(src_ip="10.8.1.4"),
        url("www.example.co.uk./a@b.com", src_ip="10.8.1.4", repeat_count=2),
        *(url("example.com/", src_ip="10.8.1.4", repeat_count=1, app=app) for app in ("ssl", "quic")),
        session(src_ip="10.8.1.5"),
        url("archive.zip", src_ip="10.8.1.5", subtype="file"),
        url("www.example.net/path", src_ip="10.8.1.5", subtype="vulnerability"),
        # both ends inside: a row of either role
        session(src_ip="10.8.1.6", dst_ip="10.8.1.7", app="web-browsing"),
        url("intranet.example.com/", src_ip="10.8.1.6", dst_ip="10.8.1.7"),
    ]


def threats() -> Rows:
    """The highest severity of threats about a pair. Hosts 10.8.2.x."""

    def found(severity: str | None, host: str = "10.8.2.1", **overrides: Any) -> dict[str, Any]:
        return threat(**{"src_ip": host, "severity": severity, **overrides})

    return [
        # the highest, whatever their order and number; both ends inside: of either role
        session(src_ip="10.8.2.1", dst_ip="10.8.2.9"),
        *(found(severity, dst_ip="10.8.2.9") for severity in ("low", "high", "medium", "informational", None)),
        session(src_ip="10.8.2.2"),
        *(found(severity, "10.8.2.2", repeat_count=9) for severity in ("medium", "critical")),
        session(src_ip="10.8.2.3"),
        found("informational", "10.8.2.3"),
        # those of another service, protocol, direction or window say nothing of a pair, nor does a severity not known
        session(src_ip="10.8.2.4"),
        found("high", "10.8.2.4", dst_port=80),
        found("high", "10.8.2.4", protocol="udp"),
        found("high", "203.0.113.9", dst_ip="10.8.2.4"),
        found("high", "10.8.2.4", end_ts="2026-03-10T12:00:00"),
        found("severe", "10.8.2.4"),
        # URLs, files and data are no threats, whatever their severity; what does not say its kind is one
        session(src_ip="10.8.2.5"),
        *(found("critical", "10.8.2.5", subtype=subtype) for subtype in ("url", "file", "data")),
        session(src_ip="10.8.2.6"),
        found("critical", "10.8.2.6", subtype="url"),
        found("low", "10.8.2.6", subtype=None),
        # a threat about a host without a session is no pair
        found("critical", "10.8.2.7"),
    ]
