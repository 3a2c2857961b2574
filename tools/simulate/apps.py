"""Application columns of the firewall: 105 to 114 of TRAFFIC, 111 to 119 of THREAT."""

from __future__ import annotations

_INFRASTRUCTURE = ("infrastructure", "networking", "network-protocol")
_TUNNEL = ("encrypted-tunnel", "networking", "browser-based")
_INTERNET = ("internet-utility", "general-internet", "browser-based")
_OFFICE = ("office-programs", "business-systems", "client-server")
_REMOTE = ("remote-access", "networking", "client-server")
_STORAGE = ("storage-backup", "business-systems", "client-server")

_FILES = "used-by-malware,able-to-transfer-file,has-known-vulnerability"
_WEAK = "has-known-vulnerability"
_BROAD = "consume-big-bandwidth,pervasive-use"

# subcategory, category, technology, risk, characteristics, container, SaaS
FACTS: dict[str, tuple[str, str, str, int, str, str, bool]] = {
    "ssl": (*_TUNNEL, 4, f"{_FILES},tunnel-other-application", "", False),
    "quic": (*_INTERNET, 1, "pervasive-use", "", False),
    "web-browsing": (*_INTERNET, 4, f"{_FILES},pervasive-use", "", False),
    "http-proxy": ("proxy", "networking", "browser-based", 5, _FILES, "", False),
    "google-base": (*_INTERNET, 4, _FILES, "google", True),
    "ms-office365-base": (*_OFFICE, 2, "has-known-vulnerability,pervasive-use", "ms-office365", True),
    "slack-base": ("instant-messaging", "collaboration", "client-server", 3, _FILES, "slack", True),
    "youtube-base": ("photo-video", "media", "browser-based", 4, _BROAD, "youtube", True),
    "ms-onedrive-base": ("file-sharing", "general-internet", "client-server", 4, _FILES, "ms-onedrive", True),
    "ms-teams-audio-video": ("voip-video", "collaboration", "client-server", 3, _BROAD, "ms-teams", True),
    "ms-update": ("software-update", "business-systems", "client-server", 4, _BROAD, "", False),
    "dns": (*_INFRASTRUCTURE, 3, f"{_WEAK},pervasive-use", "", False),
    "ntp": (*_INFRASTRUCTURE, 2, "has-known-vulnerability,pervasive-use", "", False),
    "kerberos": ("auth-service", "business-systems", "client-server", 2, _WEAK, "", False),
    "ldap": ("auth-service", "business-systems", "client-server", 2, _WEAK, "", False),
    "msrpc-base": (*_INFRASTRUCTURE, 2, "has-known-vulnerability,tunnel-other-application", "", False),
    "ms-ds-smbv3": (*_STORAGE, 3, _FILES, "ms-ds-smb", False),
    "ms-exchange": ("email", "collaboration", "client-server", 4, _FILES, "", False),
    "postgres": ("database", "business-systems", "client-server", 2, _WEAK, "", False),
    "ssh": ("encrypted-tunnel", "networking", "client-server", 4, _FILES, "", False),
    "ms-rdp": (*_REMOTE, 4, _FILES, "", False),
    "windows-remote-management": ("management", "business-systems", "client-server", 3, _WEAK, "", False),
    "hp-jetdirect": ("management", "business-systems", "client-server", 2, "", "", False),
    "snmp-base": ("management", "business-systems", "client-server", 2, _WEAK, "snmp", False),
    "ping": ("ip-protocol", "networking", "network-protocol", 2, "used-by-malware", "", False),
    "syslog": ("management", "business-systems", "client-server", 1, "", "", False),
    "rtsp": ("photo-video", "media", "client-server", 3, _BROAD, "", False),
    "ndmp": (*_STORAGE, 1, _BROAD, "", False),
    "smtp-base": ("email", "collaboration", "client-server", 5, _FILES, "smtp", False),
}  # fmt: skip
UNKNOWN = ("unknown", "unknown", "unknown", 1, "", "", False)


def tail_of(app: str, offloaded: bool = True) -> str:
    """The application columns in one piece; the characteristics are one quoted column with commas.

    Ten columns with the `offloaded` mark of TRAFFIC, nine without.
    """
    sub, category, technology, risk, traits, container, saas = FACTS.get(app, UNKNOWN)
    tunnelled = "untunneled" if app not in FACTS else app
    columns = [sub, category, technology, str(risk), f'"{traits}"', container, tunnelled, "yes" if saas else "no", "no"]
    return ",".join([*columns, "0"] if offloaded else columns)
