"""PAN-OS log lines for tests: a base record with overrides by column position, cut to the length of a release."""

from __future__ import annotations

TRAFFIC_RELEASES = {
    "6.0": 46, "6.1": 47, "7.1": 54, "8.0": 61, "8.1": 65, "9.0": 67, "9.1": 75,
    "10.0": 105, "10.1": 115, "10.2": 115, "11.0": 117, "11.1": 117, "11.2": 117, "12.1": 130,
}  # fmt: skip
THREAT_RELEASES = {
    "5.0": 42, "6.0": 45, "6.1": 54, "7.1": 61, "8.0": 72, "8.1": 75, "9.0": 78, "9.1": 79,
    "10.0": 111, "10.1": 120, "10.2": 121, "11.0": 123, "11.1": 123,
}  # fmt: skip

_COMMON = {
    0: "1", 1: "2024/03/11 16:23:31", 2: "012501009999", 5: "2561", 6: "2024/03/11 16:23:30",
    7: "10.20.12.121", 8: "34.230.55.224", 9: "203.0.113.9", 10: "0.0.0.0", 11: "allow-untrust", 14: "ssl", 15: "vsys1",
    16: "users", 17: "untrust", 18: "ethernet1/2", 19: "ethernet1/1", 20: "default-logging",
    21: "2024/03/11 16:23:31", 22: "2042976", 23: "1", 24: "55331", 25: "443", 26: "40001", 27: "0", 28: "0x19",
    29: "tcp",
}  # fmt: skip
_TRAFFIC = _COMMON | {
    3: "TRAFFIC", 4: "end", 30: "allow", 31: "564", 32: "367", 33: "197", 34: "4", 35: "2024/03/11 16:22:50",
    36: "12", 37: "any", 39: "7100000000002042975", 40: "0x8000000000000000",
    41: "10.0.0.0-10.255.255.255", 42: "United States", 44: "2", 45: "2", 46: "aged-out", 52: "fw-1",
    102: "2024-03-11T16:23:30.071+00:00", 106: "networking", 108: "4",
    109: '"used-by-malware,tunnel-other-application"', 111: "ssl",
}  # fmt: skip
_THREAT = _COMMON | {
    3: "THREAT", 4: "vulnerability", 30: "reset-both", 31: '"example.com/a,b"', 32: "SMB: User Login(31696)",
    33: "any", 34: "high", 35: "client-to-server", 36: "7100000000000000123", 37: "0x2000000000000000",
    59: "fw-1", 69: "brute-force", 112: "networking", 114: "4",
    75: '"business-and-economy,low-risk"', 107: "2024-03-11T16:23:30.250+00:00",
}  # fmt: skip


VERSIONS = {"8.1": "2049", "9.0": "2304", "9.1": "2305", "10.0": "2560", "10.1": "2561", "11.0": "2816"}
"""The version that a line of a release names; older ones name another number."""


def traffic(columns: int = 115, changes: dict[int, str] | None = None) -> str:
    """A TRAFFIC line: 12 s from 16:22:50, 367 bytes sent and 197 received."""
    return _line(_TRAFFIC, TRAFFIC_RELEASES, columns, changes)


def threat(columns: int = 121, changes: dict[int, str] | None = None) -> str:
    """A THREAT line, written at 16:23:30, precisely 16:23:30.250 from release 10.0 on."""
    return _line(_THREAT, THREAT_RELEASES, columns, changes)


def _line(base: dict[int, str], releases: dict[str, int], columns: int, changes: dict[int, str] | None) -> str:
    versions = [VERSIONS[release] for release, count in releases.items() if release in VERSIONS and count <= columns]
    record = base | {5: versions[-1] if versions else "1"} | (changes or {})
    return ",".join(record.get(at, "") for at in range(columns))
