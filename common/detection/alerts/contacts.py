"""Contacts: what the source of a case did with each service of each target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from common.detection.alerts.alerting import Alert, is_inbound
from common.detection.pairs.words import WORDS

MAIN_SHARE = 0.5
"""Contacts at least so anomalous, against the strongest one, are what a case is mainly about."""

COUNTS = ("sessions", "failed", "sent", "received")


@dataclass(frozen=True)
class Contact:
    """What a source did with a service of a target, as alerts about it say.

    `decades` is how anomalous it was at most, and sessions and bytes are those of its busiest 24 hours. `new` says what
    of it was new to the source, and `others` how many other hosts had met the target in 30 days; where only the target
    alerted, `new` is what was new to it, and `others` counts those that had met the source. `owner` is whose
    network the end outside is in, `app` and `domain` what logs say of the sessions; each "" if that is not known.
    """

    source: str
    target: str
    port: int
    kind: str
    decades: float
    sessions: int
    failed: int
    sent: int
    received: int
    new: tuple[str, ...]
    others: int
    owner: str
    first: datetime
    last: datetime
    app: str = ""
    domain: str = ""


def contacts_of(run: Sequence[Alert]) -> list[Contact]:
    """The contacts of a run's sources, each once, the most anomalous first: with whom, and what others say of it."""
    sources = {alert.source for alert in run}
    found: dict[tuple[str, str, int], Contact] = {}
    for alert in run:
        for pair in alert.pairs:
            ends = (alert.host_ip, str(pair["peer_ip"]))
            source, target = ends[::-1] if is_inbound(pair) else ends
            if alert.host_ip not in sources and source not in sources:
                continue
            key = (source, target, pair["peer_port"])
            contact = Contact(
                *key,
                pair["kind"],
                pair["decades"],
                pair["sessions_day"],
                pair["failed_day"],
                pair["sent_day"],
                pair.get("received_day", 0),
                tuple(pair["new"]),
                pair["others"]["peer"],
                pair.get("owner", ""),
                alert.start,
                alert.end,
                *(pair.get(name, "") for name in WORDS),
            )
            found[key] = _both(found[key], contact) if key in found else contact
    return sorted(found.values(), key=lambda one: (-one.decades, one.source, one.target, one.port))


def _both(one: Contact, other: Contact) -> Contact:
    """What two alerts say of a contact; what was new in it by that of its source, or else by the more anomalous one."""
    told = max((one, other), key=lambda contact: (contact.kind.startswith("outbound"), contact.decades))
    most = {name: max(getattr(one, name), getattr(other, name)) for name in ("decades", *COUNTS)}
    return replace(told, **most, first=min(one.first, other.first), last=max(one.last, other.last))


def main_contacts(contacts: Sequence[Contact], sources: Sequence[str]) -> list[Contact]:
    """The contacts of the sources that are at least half as anomalous as the strongest."""
    own = [contact for contact in contacts if contact.source in sources] or contacts
    most = max((contact.decades for contact in own), default=0.0)
    return [contact for contact in own if contact.decades >= MAIN_SHARE * most]


def main_peers(contacts: Sequence[Contact], sources: Sequence[str]) -> Iterator[str]:
    """The other ends of those contacts, once for each contact."""
    for contact in main_contacts(contacts, sources):
        yield contact.target if contact.source in sources else contact.source
