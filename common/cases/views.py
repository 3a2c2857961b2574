"""Cases with what else is known of them: names, users, customers, reasons, and how they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from common.cases.amounts import amount
from common.cases.customers import Customer
from common.cases.evidence import Evidence, reason_words
from common.cases.indicators import Meeting
from common.cases.inventory import Inventory, Machine
from common.cases.met import Met
from common.cases.reasons import Scored, reasons_of
from common.cases.shared import Shared, clients_of
from common.cases.users import Users
from common.detection.alerts.cases import Case
from common.detection.alerts.contacts import Contact, main_contacts
from common.detection.alerts.terms import NEW
from common.detection.alerts.triage import Change, Rule
from common.display import counted
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from common.windows import WINDOW, iso

PORTS_NAMED = 4
"""So many ports are named in a sentence; of more, only how many there are."""
NAMED = 2


@dataclass(frozen=True)
class CaseView:
    """A case with what else is known of its sources, and how it stands.

    `machine` is the one that matters most, `met` what it has to do with indicators. `change` is the last that somebody
    made of it, `rule` what hides it, None if nothing does; `shared` who is behind its sources, if they are shared.
    """

    case: Case
    names: Mapping[str, str]
    users: Users
    customer: Customer
    reasons: tuple[Evidence, ...]
    machine: Machine
    met: tuple[Meeting, ...]
    change: Change | None
    rule: Rule | None
    shared: Shared | None = None

    @property
    def status(self) -> str:
        """How it stands."""
        return self.change.status if self.change else NEW

    @property
    def sentence(self) -> str:
        """What happened, in a few short sentences: who, whom, on which ports, how much, and the main reason."""
        case = self.case
        own = [contact for contact in case.contacts if contact.source in case.sources]
        main = [contact for contact in main_contacts(own, case.sources) if not case.is_scan]
        did = _deeds(main) if main else _tried(own) if own else "did what is unusual"
        told = f"{counted(len(case.targets), 'host')} alerted because of it" if case.targets else ""
        bad = self.met[0].indicators[0].words if self.met else ""
        why = reason_words(self._main_reason).rpartition("  (")[0] if self.reasons else ""
        return ". ".join(
            part[0].upper() + part[1:] for part in (f"{_named(case.sources)} {did}", told, bad, why) if part
        )

    @property
    def _main_reason(self) -> Evidence:
        """The strongest reason; of a scan, the strongest that counts targets."""
        counts = (reason for reason in self.reasons if reason.feature.startswith("spread_"))
        return next(counts, self.reasons[0]) if self.case.is_scan else self.reasons[0]

    def to_dict(self) -> dict[str, Any]:
        """The case as JSON values."""
        case, change, rule = self.case, self.change, self.rule
        return {
            "case_id": case.case_id,
            "severity": case.severity,
            "decades": round(case.decades, 2),
            "score": case.score,
            "raw_score": case.raw_score,
            "sentence": self.sentence,
            "technique": asdict(case.technique),
            "techniques": list(case.techniques),
            "source": case.source,
            "sources": list(case.sources),
            "targets": list(case.targets),
            "names": dict(self.names),
            "segment_id": case.segment_id,
            "user": self.users.user,
            "users_cnt": self.users.count,
            "shared": self.shared.to_dict() if self.shared else None,
            "machine": self.machine.host_ip or None,
            "criticality": self.machine.criticality,
            "role": self.machine.role,
            "machine_owner": self.machine.owner,
            **self.customer,
            "start": iso(case.start),
            "end": iso(case.end),
            "peak": iso(case.peak),
            "windows": case.windows,
            "earlier": case.earlier,
            "status": self.status,
            "owner": change.owner if change else None,
            "note": change.note if change else None,
            "hidden_by": rule.change_id if rule else None,
            "contacts": [
                asdict(contact) | {"first": iso(contact.first), "last": iso(contact.last)} for contact in case.contacts
            ],
            "reasons": [asdict(reason) for reason in self.reasons],
            "indicators": [meeting.to_dict() for meeting in self.met],
        }

    def to_row(self) -> dict[str, Any]:
        """The case as a row of a table: of lists only how many there are, or the first."""
        whole = self.to_dict()
        lists = ("technique", "techniques", "sources", "targets", "names", "contacts", "reasons", "indicators")
        shared = {"shared": self.shared.words if self.shared else None}
        return (
            {name: value for name, value in whole.items() if name not in lists}
            | shared
            | {
                "technique": self.case.technique.name,
                "sources_cnt": len(self.case.sources),
                "targets_cnt": len(self.case.targets),
                "contacts_cnt": len(self.case.contacts),
                "indicators_cnt": len(self.met),
            }
        )


def _deeds(contacts: Sequence[Contact]) -> str:
    """What the sources of contacts did: `met 10.1.0.35 and 4 more on ports 22 and 443: 500 sessions, ...`."""
    whom = list(dict.fromkeys(contact.target for contact in contacts))
    ports = [str(port) for port in sorted({contact.port for contact in contacts})]
    on = f"port {ports[0]}" if len(ports) == 1 else f"ports {', '.join(ports[:-1])} and {ports[-1]}"
    if len(ports) > PORTS_NAMED:
        on = counted(len(ports), "port")
    sessions, failed, sent = (
        sum(getattr(contact, name) for contact in contacts) for name in ("sessions", "failed", "sent")
    )
    done = f"{counted(sessions, 'session')}, {failed:,} failed, {amount(sent, 'bytes')} sent"
    return f"met {_named(whom)} on {on}: {done}"


def _tried(contacts: Sequence[Contact]) -> str:
    """What the sources of a scan did, of which the contacts are a sample: `tried at least 10 ports of 10.1.0.20`."""
    whom = list(dict.fromkeys(contact.target for contact in contacts))
    ports = {contact.port for contact in contacts}
    many = f"at least {counted(len(ports), 'port')}"
    if len(whom) == 1:
        return f"tried {many} of {whom[0]}"
    on = f"port {min(ports)}" if len(ports) == 1 else many
    return f"tried at least {counted(len(whom), 'host')} on {on}, {whom[0]} among them"


def _named(addresses: Sequence[str]) -> str:
    """Addresses in a sentence: two of them by name, of more the first."""
    if len(addresses) > NAMED:
        return f"{addresses[0]} and {len(addresses) - 1:,} more"
    return " and ".join(addresses)


def case_views(
    lake: Lake,
    spec: FeatureSpec,
    horizon: str,
    cases: Sequence[Case],
    last: Mapping[str, Change],
    rules: Mapping[str, Rule],
    inventory: Inventory,
    met: Met,
    customer_of: Callable[[str], Customer],
) -> list[CaseView]:
    """The cases with what else is known of them.

    Args:
        lake: where they were found.
        spec: the feature specification.
        horizon: that of the baselines that the model uses.
        cases: the cases.
        last: the last change of each case that anybody has changed.
        rules: what hides a case, of those that are hidden.
        inventory: the machines.
        met: who met an indicator.
        customer_of: gives the customer of a host.
    """
    keys = {case.case_id: (case.peak_host, case.peak + WINDOW) for case in cases}
    scored = {keys[case.case_id]: Scored(case.peak_score, case.reasons, case.peak_pairs) for case in cases}
    reasons = reasons_of(lake, spec, horizon, scored)
    clients = clients_of(lake, cases)
    return [
        CaseView(
            case=case,
            names=inventory.names((*case.sources, *case.targets)),
            users=clients[case.case_id].users,
            customer=customer_of(case.peak_host),
            reasons=reasons[keys[case.case_id]],
            machine=inventory.machine(case),
            met=met.of(case),
            change=last.get(case.case_id),
            rule=rules.get(case.case_id),
            shared=clients[case.case_id].shared,
        )
        for case in cases
    ]
