"""Suppression: the analysts' marks on incidents, and the later incidents that they suppress. Scores never change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from common.detection.alerts.incidents import Incident
from common.detection.alerts.terms import TRUE
from common.detection.registry.pointer import ArtifactStore
from common.errors import ModelError
from common.windows import parse_moment

INDEX = "marks.json"
MAIN_SHARE = 0.5


@dataclass(frozen=True)
class Mark:
    """A verdict on an incident.

    `false` and `expected` are allow rules, too: until they expire, incidents of the same technique of the host (or of
    any host of the segment) with the peer are suppressed; with `peer` empty, whatever the peer.
    """

    incident_id: str
    verdict: str
    reason: str
    scope: str
    host_ip: str
    segment_id: str
    behaviour: str  # the name of the technique, as it is stored
    peer: str
    marked: str
    expires: str

    @property
    def mark_id(self) -> str:
        """The id of the mark: one for each scope, subject, technique and peer, so that a later mark replaces it."""
        subject = self.host_ip if self.scope == "host" else self.segment_id
        return hashlib.sha256(f"{self.scope} {subject} {self.behaviour} {self.peer}".encode()).hexdigest()[:12]

    def active(self, moment: datetime) -> bool:
        """Whether the mark suppresses at that time."""
        return self.verdict != TRUE and moment < parse_moment(self.expires)

    def covers(self, incident: Incident) -> bool:
        """Whether the incident has the mark's subject and technique, and is mainly about its peer.

        An incident with a second peer at least half as anomalous as its strongest is something new: not covered.
        """
        subject = incident.host_ip == self.host_ip if self.scope == "host" else incident.segment_id == self.segment_id
        most = max((pair["decades"] for pair in incident.peers), default=0.0)
        peers = {pair["peer_ip"] for pair in incident.peers if pair["decades"] >= MAIN_SHARE * most}
        return subject and incident.technique.name == self.behaviour and (not self.peer or peers == {self.peer})


def feedback_store(lake_uri: str) -> ArtifactStore:
    """The store of a lake's marks."""
    return ArtifactStore(f"{lake_uri}/feedback")


def read_marks(store: ArtifactStore) -> list[Mark]:
    """All marks, in the order in which they were made.

    Raises:
        ModelError: the file is damaged.
    """
    if not store.exists(INDEX):
        return []
    try:
        marks = [Mark(**entry) for entry in json.loads(store.read(INDEX))]
    except (ValueError, TypeError) as error:
        raise ModelError(
            f"{store.uri}/{INDEX} is damaged: {error}", "Restore it from a copy, or delete it to start over"
        ) from None
    return sorted(marks, key=lambda mark: (mark.marked, mark.mark_id))


def write_mark(store: ArtifactStore, mark: Mark) -> None:
    """Adds the mark, in place of an earlier one of the same subject."""
    kept = [entry for entry in read_marks(store) if entry.mark_id != mark.mark_id]
    _write(store, [*kept, mark])


def remove_mark(store: ArtifactStore, mark_id: str) -> Mark | None:
    """Removes a mark and returns it; None if there is no such mark."""
    marks = read_marks(store)
    found = next((entry for entry in marks if entry.mark_id == mark_id), None)
    if found:
        _write(store, [entry for entry in marks if entry != found])
    return found


def suppress(
    incidents: Sequence[Incident], marks: Iterable[Mark]
) -> tuple[list[Incident], list[tuple[Incident, Mark]]]:
    """The incidents that no mark suppresses when they begin, and the suppressed ones with their marks, in order."""
    rules = list(marks)
    shown: list[Incident] = []
    quiet: list[tuple[Incident, Mark]] = []
    for incident in incidents:
        rule = next((mark for mark in rules if mark.active(incident.start) and mark.covers(incident)), None)
        if rule:
            quiet.append((incident, rule))
        else:
            shown.append(incident)
    return shown, quiet


def verdict_of(incident: Incident, marks: Iterable[Mark]) -> str:
    """The verdict on this very incident; empty for none."""
    said = [mark.verdict for mark in marks if mark.incident_id == incident.incident_id]
    return said[-1] if said else ""


def mark_of(
    incident: Incident, verdict: str, reason: str, scope: str, any_peer: bool, marked: str, expires: str
) -> Mark:
    """The mark of an incident; with its strongest peer, unless it holds for any peer."""
    peer = "" if any_peer or not incident.peers else str(incident.peers[0]["peer_ip"])
    return Mark(
        incident.incident_id,
        verdict,
        reason,
        scope,
        incident.host_ip,
        incident.segment_id,
        incident.technique.name,
        peer,
        marked,
        expires,
    )


def _write(store: ArtifactStore, marks: Sequence[Mark]) -> None:
    store.write(INDEX, json.dumps([asdict(mark) for mark in marks], indent=1, sort_keys=True).encode())
