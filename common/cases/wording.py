"""Reasons in words: what a host did, with whom, and what is usual for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from common.cases.amounts import amount
from common.detection.alerts.contacts import Contact
from common.detection.explanation import Reason
from common.display import counted
from common.features.spec import FeatureSpec
from common.threats import SEVERITIES

KINDS = {
    "outbound": "outside",
    "outbound_internal": "inside",
    "inbound": "from outside",
    "inbound_internal": "from inside",
}
PAIR_WORDS = {
    "pair_failed_24h": ("count", "failed session{s} with {peer} in 24 h"),
    "pair_sessions_24h": ("count", "session{s} with {peer} in 24 h"),
    "pair_sessions_15m": ("count", "session{s} with {peer} in 15 min"),
    "pair_slices_24h": ("count", "window{s} of activity with {peer} in 24 h"),
    "pair_lasting_days": ("count", "day{s} of contact with {peer}, which few other hosts know"),
    "pair_net_sent_mean_24h": ("bytes", "net upload per session to {peer} in 24 h"),
    "pair_net_sent_24h": ("bytes", "net upload to {peer} in 24 h"),
    "spread_new_peers": ("count", "peer{s} contacted for the first time in 15 min"),
    "spread_new_networks": ("count", "network{s} contacted for the first time in 15 min"),
    "spread_new_services": ("count", "service{s} used for the first time in 15 min"),
    "spread_new_uses": ("count", "first contact{s} with a service of a peer in 15 min"),
    "spread_failed_new_uses": ("count", "failed first contact{s} in 15 min"),
    "spread_failed_peers": ("count", "peer{s} with failed sessions only in 15 min"),
    "spread_new_sessions": ("count", "session{s} of first contacts in 15 min"),
    "spread_new_sent_kb": ("kilobytes", "exchanged in first contacts in 15 min"),
}
REGULAR = {
    "pair_regular_24h": "sessions with {peer} at regular intervals in 24 h",
    "pair_regular_new_24h": "sessions at regular intervals with {peer}, first seen in the last 24 h",
    "pair_lasting_even": "contacts with {peer} at regular intervals over days",
}
RARITY = {
    "pair_peer_rarity": "{address} is new to the host",
    "pair_network_rarity": "the network of {address} is new to the host",
    "pair_service_rarity": "the service of {peer} is new to the host",
    "pair_use_rarity": "the service of {peer} is new to the host in that network",
}
HABIT_RARITY = {
    "pair_peer_rarity": "{address} is a lasting contact of the host",
    "pair_network_rarity": "the network of {address} is a lasting contact of the host",
    "pair_service_rarity": "the service of {peer} is a lasting one of the host",
    "pair_use_rarity": "the service of {peer} is a lasting one of the host in that network",
}
"""The same of an odd habit of the host, and of a contact that it has met for more than a day, and few others have."""

OWNER_RARITY = {
    False: "the owner of {address}, {owner}, is new to the host",
    True: "the owner of {address}, {owner}, is a lasting contact of the host",
}
"""What is said of a network whose owner is known: how rare that is counts; and of an odd habit."""

APP_RARITY = {
    False: "{app} on port {port}, as with {address}, is new to the host",
    True: "{app} on port {port}, as with {address}, is a lasting use of the host",
}
"""What is said of a service whose application is known."""
DOMAIN_RARITY = {
    False: "{domain}, at {address}, is new to the host",
    True: "{domain}, at {address}, is a lasting contact of the host",
}
"""What is said of a network in place of which the domain counts."""


@dataclass(frozen=True)
class FeatureName:
    """What the name of an FG-A feature says: the metric with its kind and words, role, label and look-back."""

    role: str
    metric: str
    kind: str
    words: str
    label: str
    length: str


def feature_names(spec: FeatureSpec) -> dict[str, FeatureName]:
    """What the name of each FG-A feature says, context left out."""
    return {
        spec.fg_a_name(role, metric.name, label): FeatureName(
            role, metric.name, metric.kind, metric.words, label, spec.window_length(label)
        )
        for label in spec.window_labels
        for role in spec.roles
        for metric in spec.metrics
    }


def feature_words(name: FeatureName, value: float | None) -> str | None:
    """A feature of FG-A in words: `412 distinct peers in 15 min`; None for one that has none."""
    if not name.words:
        return None
    incoming = "incoming: " if name.role == "inbound" else ""
    return f"{incoming}{amount(value, name.kind)} {name.words} in {name.length}"


def pair_words(reason: Reason, pair: Mapping[str, Any] | None) -> str | None:
    """A reason about pairs in words, with the pair that it is about, if that is known; None for any other reason.

    What is ordinary is the prior maximum, at least that of nine of ten pairs. Sessions are whole ones: failed sessions
    count by the share that failed, so their maximum is rounded up. How rare a
    first contact is, is the share of all hosts that had met the peer, network or service; this one counts. An odd habit
    of the host is compared with what others do: nobody but the host has made it usual.
    """
    address = pair["peer_ip"] if pair else "one peer"
    owner, app, domain = (pair.get(name) if pair else None for name in ("owner", "app", "domain"))
    habit = bool(pair and pair.get("habit"))  # models before this release told of none
    port = pair["peer_port"] if pair else None
    names = {"address": address, "peer": f"{address}:{port}" if pair else address, "port": port}
    if reason.feature in RARITY:
        share = 100 * 2.0 ** -(reason.value or 0.0)
        known = f"{share:.0f} %" if share >= 1 else "less than 1 %"
        stays = habit or bool(pair and pair.get("lasting_windows"))
        words = (HABIT_RARITY if stays else RARITY)[reason.feature]
        if reason.feature == "pair_network_rarity":
            words = OWNER_RARITY[stays] if owner else words
            words = (
                DOMAIN_RARITY[stays] if domain and _rarer(pair, "domain", "owner" if owner else "network") else words
            )
        if pair and app and reason.feature == "pair_service_rarity" and (stays or "app" in pair["new"]):
            words = APP_RARITY[stays]
        return f"{words.format(**names, owner=owner, app=app, domain=domain)}, known to {known} of the hosts"
    if reason.feature in REGULAR:
        found, usual = (amount(100 * (share or 0.0), "ratio") for share in (reason.value, reason.baseline_median))
        compared = _most(f"{usual} %", habit)
        return f"{REGULAR[reason.feature].format(**names)}: {found} % regular, {compared}"
    if reason.feature == "pair_threat":
        severity = SEVERITIES[int(reason.value or 1) - 1]
        return f"the firewall reported a threat of severity {severity} in sessions with {names['peer']}"
    if reason.feature not in PAIR_WORDS:
        return None
    kind, noun = PAIR_WORDS[reason.feature]
    most = reason.baseline_median
    if kind == "count" and most is not None:
        most = ceil(most)
    noun = noun.format(**names, s="" if reason.value == 1 else "s")
    return f"{amount(reason.value, kind)} {noun}, {_most(amount(most, kind), habit)}"


def _rarer(pair: Mapping[str, Any] | None, one: str, other: str) -> bool:
    """Whether fewer other hosts know one thing about a pair, which is new, than another."""
    return (
        pair is not None
        and one in pair["new"]
        and (other not in pair["new"] or pair["others"][one] < pair["others"][other])
    )


def _most(usual: str, habit: bool) -> str:
    """What a value is compared with, in words."""
    return f"other hosts reach {usual} there" if habit else f"up to {usual} is ordinary"


def peer_words(pair: Mapping[str, Any]) -> str:
    """A pair in words: who, what was done, and what is new in it."""
    inbound = pair["kind"].startswith("inbound")
    arrow = "<-" if inbound else "->"
    sessions = counted(pair["sessions_day"], "session")
    done = f"{sessions} in 24 h, {pair['failed_day']:,} failed, {amount(pair['sent_day'], 'bytes')}"
    new = f"; new: {', '.join(pair['new'])}" if pair["new"] else ""
    others = f"; seen by {counted(pair['others']['peer'], 'other host')}"
    others += "; a habit, compared with other hosts" if pair.get("habit") else ""
    known = ", ".join([KINDS[pair["kind"]], *(pair[name] for name in ("app", "domain", "owner") if pair.get(name))])
    threat = f"; threat of severity {pair['threat']}" if pair.get("threat") else ""
    return f"{arrow} {pair['peer_ip']}:{pair['peer_port']} ({known}): {done}{new}{threat}{others}"


def contact_words(contact: Contact, sources: Collection[str], bytes_of: Callable[[float], str]) -> str:
    """A contact in words: who, what was done, and what is new in it; `bytes_of` writes a number of bytes."""
    if contact.source in sources and len(sources) == 1:
        who = f"-> {contact.target}:{contact.port}"
    else:
        who = f"{contact.source} -> {contact.target}:{contact.port}"
    known = ", ".join(filter(None, (contact.app, contact.domain, contact.owner)))
    who += f" ({known})" if known else ""
    done = f"{counted(contact.sessions, 'session')} in 24 h, {contact.failed:,} failed, {bytes_of(contact.sent)} sent"
    new = f"; new: {', '.join(contact.new)}" if contact.new else ""
    known = f"; known to {counted(contact.others, 'other host')}" if contact.kind.startswith("outbound") else ""
    return f"{who}: {done}{new}{known}"


def span(start: datetime, end: datetime) -> str:
    """A time span, the date once where it is one: `2026-03-10 01:53-02:08`."""
    if start.date() == end.date():
        return f"{start:%Y-%m-%d %H:%M}-{end:%H:%M}"
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
