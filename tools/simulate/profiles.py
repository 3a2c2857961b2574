"""Kinds of sessions: the service, and the size, duration and reliability of its sessions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TCP, UDP, ICMP = 6, 17, 1


@dataclass(frozen=True)
class Profile:
    """One kind of session.

    Payloads and durations are log-normal: a median and the sigma of the logarithm. The shares are those of sessions
    that are refused (reset at once), lost (no reply), denied by the firewall, and reset in the end instead of closed.
    """

    name: str
    app: str
    protocol: int
    port: int
    sent: tuple[float, float]  # bytes
    received: tuple[float, float]  # bytes
    seconds: tuple[float, float]
    refused: float = 0.001
    lost: float = 0.002
    denied: float = 0.0
    reset: float = 0.05


PROFILES = (
    # web services
    Profile("web", "ssl", TCP, 443, (2_400, 0.8), (17_000, 1.4), (8, 1.4), 0.002, 0.006, 0.002, 0.14),
    Profile("quic", "quic", UDP, 443, (3_200, 0.9), (26_000, 1.5), (20, 1.1), 0, 0.01, 0.004),
    Profile("http", "web-browsing", TCP, 80, (800, 0.6), (5_000, 1.4), (3, 1.3), 0.004, 0.01, 0.003, 0.1),
    Profile("google", "google-base", TCP, 443, (2_600, 0.8), (15_000, 1.3), (12, 1.4), reset=0.12),
    Profile("office", "ms-office365-base", TCP, 443, (5_000, 1.0), (12_000, 1.3), (25, 1.5), reset=0.15),
    Profile("chat", "slack-base", TCP, 443, (2_800, 0.8), (4_500, 1.0), (60, 1.4), reset=0.1),
    Profile("video", "youtube-base", TCP, 443, (28_000, 0.9), (2_500_000, 1.3), (90, 1.1), reset=0.2),
    Profile("cloud", "ms-onedrive-base", TCP, 443, (18_000, 1.9), (14_000, 1.7), (14, 1.3), reset=0.1),
    Profile("call", "ms-teams-audio-video", UDP, 3478, (3_000_000, 1.2), (4_000_000, 1.2), (900, 0.9), 0, 0.01),
    Profile("upload", "ssl", TCP, 443, (3_000_000, 1.6), (40_000, 1.0), (40, 1.2), reset=0.08),
    Profile("update", "ms-update", TCP, 443, (6_000, 0.8), (2_000_000, 1.8), (18, 1.2), reset=0.1),
    # timers and background services
    Profile("telemetry", "ssl", TCP, 443, (1_500, 0.5), (2_600, 0.5), (2, 0.9), 0.001, 0.004, 0, 0.08),
    Profile("agent", "ssl", TCP, 443, (950, 0.35), (1_000, 0.4), (1.2, 0.8), 0.001, 0.004, 0, 0.06),
    Profile("dns", "dns", UDP, 53, (62, 0.25), (150, 0.5), (0.1, 0.8), 0, 0.004),
    Profile("dns-tcp", "dns", TCP, 53, (90, 0.3), (900, 0.6), (0.2, 0.8)),
    Profile("ntp", "ntp", UDP, 123, (48, 0.01), (48, 0.01), (0.1, 0.5), 0, 0.01),
    Profile("mqtt", "ssl", TCP, 8883, (600, 0.4), (420, 0.4), (3, 0.8), 0.002, 0.01),
    # the office
    Profile("kerberos", "kerberos", TCP, 88, (1_700, 0.3), (1_600, 0.3), (0.3, 0.8)),
    Profile("ldap", "ldap", TCP, 389, (1_400, 0.7), (3_800, 1.0), (4, 1.4)),
    Profile("rpc", "msrpc-base", TCP, 135, (900, 0.5), (800, 0.5), (3, 1.2), 0.005, 0.002),
    Profile("smb", "ms-ds-smbv3", TCP, 445, (12_000, 1.8), (28_000, 2.2), (45, 1.6), 0.006, 0.004, 0.002, 0.12),
    Profile("mail", "ms-exchange", TCP, 443, (3_600, 1.1), (9_000, 1.4), (30, 1.4), reset=0.1),
    Profile("intranet", "web-browsing", TCP, 443, (2_000, 0.8), (16_000, 1.3), (6, 1.3)),
    Profile("proxy", "http-proxy", TCP, 8080, (2_200, 0.9), (14_000, 1.5), (10, 1.3), 0.002, 0.002, 0.006, 0.1),
    Profile("db", "postgres", TCP, 5432, (4_000, 1.2), (22_000, 1.8), (20, 1.7)),
    Profile("ssh", "ssh", TCP, 22, (9_000, 1.3), (22_000, 1.7), (160, 1.9), 0.02, 0.01, 0.01, 0.12),
    Profile("rdp", "ms-rdp", TCP, 3389, (140_000, 1.4), (2_200_000, 1.5), (700, 1.4), 0.015, 0.02, 0.01, 0.2),
    Profile("winrm", "windows-remote-management", TCP, 5985, (7_000, 0.9), (9_000, 1.1), (4, 1.2), 0.02, 0.03, 0.01),
    Profile("print", "hp-jetdirect", TCP, 9100, (380_000, 1.4), (900, 0.6), (12, 0.9), 0.01, 0.01),
    Profile("snmp", "snmp-base", UDP, 161, (210, 0.3), (480, 0.5), (0.1, 0.6), 0, 0.008),
    Profile("ping", "ping", ICMP, 0, (64, 0.01), (64, 0.01), (0.1, 0.5), 0, 0.006),
    Profile("poll", "ssl", TCP, 443, (800, 0.2), (2_600, 0.3), (0.5, 0.6)),
    Profile("syslog", "syslog", UDP, 514, (4_000, 1.0), (0, 0.01), (60, 0.8)),
    Profile("camera", "rtsp", TCP, 554, (9_000, 0.4), (5_500_000, 0.5), (290, 0.05), 0.002, 0.004),
    Profile("backup", "ndmp", TCP, 10_000, (60_000_000, 1.5), (220_000, 0.8), (240, 0.8), 0.002, 0.002),
    Profile("smtp", "smtp-base", TCP, 25, (28_000, 1.7), (900, 0.5), (4, 1.1), 0.01, 0.02, 0, 0.1),
    # attempts, whose outcome the caller gives
    Profile("probe", "unknown-tcp", TCP, 80, (300, 0.5), (350, 0.9), (0.5, 1.0), 0.3, 0.3, 0.3),
    Profile("ssh-login", "ssh", TCP, 22, (1_900, 0.2), (2_300, 0.2), (2.4, 0.5), 0.01, 0.01, 0, 0.25),
    Profile("rdp-login", "ms-rdp", TCP, 3389, (1_700, 0.25), (2_100, 0.25), (2.8, 0.5), 0.01, 0.01, 0, 0.3),
    Profile("smb-login", "ms-ds-smbv3", TCP, 445, (1_300, 0.25), (1_200, 0.25), (1.2, 0.6), 0.01, 0.01, 0, 0.3),
)

CODE = {profile.name: number for number, profile in enumerate(PROFILES)}

APPS = tuple(dict.fromkeys([p.app for p in PROFILES] + ["incomplete", "not-applicable"]))
APP_CODE = {app: number for number, app in enumerate(APPS)}

APP_OF = np.array([APP_CODE[p.app] for p in PROFILES], dtype=np.int16)
PROTOCOL_OF = np.array([p.protocol for p in PROFILES], dtype=np.uint8)
PORT_OF = np.array([p.port for p in PROFILES], dtype=np.uint16)
SENT_OF = np.array([p.sent for p in PROFILES])
RECEIVED_OF = np.array([p.received for p in PROFILES])
SECONDS_OF = np.array([p.seconds for p in PROFILES])
FATE_OF = np.cumsum([(p.refused, p.lost, p.denied) for p in PROFILES], axis=1)
RESET_OF = np.array([p.reset for p in PROFILES])
