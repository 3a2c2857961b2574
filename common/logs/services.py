"""Ports of services by name, as tools print them that look numbers up in /etc/services."""

from __future__ import annotations

_BY_PORT = {
    7: ("echo",), 9: ("discard",), 13: ("daytime",), 19: ("chargen",), 20: ("ftp-data",), 21: ("ftp",),
    22: ("ssh",), 23: ("telnet",), 25: ("smtp",), 37: ("time",), 43: ("whois", "nicname"), 49: ("tacacs",),
    53: ("domain",), 67: ("bootps",), 68: ("bootpc",), 69: ("tftp",), 70: ("gopher",), 79: ("finger",),
    80: ("http", "www"), 88: ("kerberos",), 109: ("pop2",), 110: ("pop3",), 111: ("sunrpc",),
    113: ("auth", "ident"), 119: ("nntp",), 123: ("ntp",), 135: ("epmap", "loc-srv"), 137: ("netbios-ns",),
    138: ("netbios-dgm",), 139: ("netbios-ssn",), 143: ("imap", "imap2"), 161: ("snmp",),
    162: ("snmptrap", "snmp-trap"), 177: ("xdmcp",), 179: ("bgp",), 194: ("irc",), 389: ("ldap",), 427: ("svrloc",),
    443: ("https",), 445: ("microsoft-ds",), 464: ("kpasswd",), 465: ("smtps", "submissions"), 500: ("isakmp",),
    512: ("exec", "biff"), 513: ("login", "who"), 514: ("shell", "syslog"), 515: ("printer",), 520: ("route",),
    543: ("klogin",), 544: ("kshell",), 546: ("dhcpv6-client",), 547: ("dhcpv6-server",), 554: ("rtsp",),
    587: ("submission",), 631: ("ipp",), 636: ("ldaps",), 853: ("domain-s",), 873: ("rsync",), 989: ("ftps-data",),
    990: ("ftps",), 992: ("telnets",), 993: ("imaps",), 995: ("pop3s",), 1080: ("socks",), 1194: ("openvpn",),
    1433: ("ms-sql-s",), 1434: ("ms-sql-m",), 1512: ("wins",), 1701: ("l2f", "l2tp"), 1812: ("radius",),
    1813: ("radius-acct",), 1900: ("ssdp",), 2049: ("nfs",), 3128: ("squid", "squid-http"), 3268: ("msft-gc",),
    3269: ("msft-gc-ssl",), 3306: ("mysql",), 3389: ("ms-wbt-server",), 3478: ("stun",), 4500: ("ipsec-nat-t",),
    5060: ("sip",), 5061: ("sip-tls",), 5222: ("xmpp-client",), 5269: ("xmpp-server",), 5351: ("nat-pmp",),
    5353: ("mdns",), 5355: ("llmnr", "hostmon"), 5432: ("postgresql",), 5900: ("rfb", "vnc-server"),
    5985: ("wsman",), 5986: ("wsmans",), 6379: ("redis",), 6514: ("syslog-tls",), 6667: ("ircd",),
    8080: ("http-alt",), 8443: ("pcsync-https",),
}  # fmt: skip

SERVICE_PORTS = {name: str(port) for port, names in _BY_PORT.items() for name in names}
"""Port of each service, as text."""
