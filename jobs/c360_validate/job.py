"""Sorts files of `raw` into `archive` and `rejected`: copied, verified, then deleted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from common.aws.topics import Topic
from common.c360.zones import archived_name, business_date
from common.errors import InputError, NdrError
from common.ingestion.events import Announced, announced, messages
from common.ndjson.sources import SourceGoneError
from common.runtime.run_report import RunReport
from jobs.c360_validate.config import ValidationConfig
from jobs.c360_validate.verdicts import Verdict, verdict
from jobs.c360_validate.zones import RawFile, Zones, zones_at

STAGE = "c360-validate"
Outcome = Literal["archived", "rejected", "gone", "changed"]
UNKNOWN = "unknown"
"""The folder below `rejected` of files that are in no dataset's folder of `raw`."""


@dataclass(frozen=True)
class Sorted:
    """What became of a file, and where it is now."""

    outcome: Outcome
    place: str | None = None
    verdict: Verdict | None = None


def run(names: Iterable[str] | None, config: ValidationConfig) -> None:
    """Sorts these files of `raw`, or all that are not hidden, and prints the run report.

    Raises:
        StorageError, AwsError, InputError: a file cannot be read, copied or removed; the others are sorted.
    """
    report, zones = _begin(config)
    if names is None:
        names = [entry.name.removeprefix("raw/") for entry in zones.folder.list("raw") if "/." not in entry.name]
    errors = []
    for name in names:
        try:
            sort(name, None, zones, config, report)
        except NdrError as error:
            report.log("sort", "failed", "error", file=name, message=str(error))
            errors.append(error)
    if errors:
        raise errors[0]
    report.show()


def handle_event(event: Mapping[str, Any], config: ValidationConfig) -> dict[str, Any]:
    """The response to an event of the queue: how many files became what, and which messages failed.

    Raises:
        InputError: it is no such event.
    """
    if "Records" not in event:
        raise InputError("the event has no Records", "Give an event of SQS, or a notification of S3")
    report, zones = _begin(config)
    failed: dict[str, None] = {}
    for message in messages(event):
        try:
            for one in announced(message):
                if not one.is_folder:
                    sort(_name_in_raw(one, config), one.version_id, zones, config, report)
        except NdrError as error:
            report.log("message", "failed", "error", message_id=message.id, message=str(error))
            failed[message.id] = None
    counts = report.details["outcomes"] | {"failed": len(failed)}
    report.log("summary", "finished", **counts)
    return {
        "statusCode": 200,
        "body": json.dumps(counts),
        "batchItemFailures": [{"itemIdentifier": message} for message in failed],
    }


def sort(name: str, version_id: str | None, zones: Zones, config: ValidationConfig, report: RunReport) -> Sorted:
    """Sorts a file of `raw`. One that is killed anywhere is done by the next one: each step finds what was done.

    Raises:
        StorageError, AwsError, InputError: the file cannot be read, copied or removed.
    """
    raw = zones.found(name, version_id)
    found = _sorted(raw, zones, config) if raw else Sorted("gone")
    _tell(report, name, found)
    return found


def _sorted(raw: RawFile, zones: Zones, config: ValidationConfig) -> Sorted:
    folder = raw.name.rpartition("/")[0].partition("/")[0]
    dataset = folder or UNKNOWN
    try:
        with raw.opened() as stream:
            found = verdict(dataset, stream, config.max_bad_ratio)
    except SourceGoneError:
        return Sorted("changed")  # which is announced, too
    day = business_date(raw.name.removeprefix(f"{folder}/")) or raw.delivered.date()
    zone = "rejected" if found.problem else "archive"
    place = f"{zone}/{archived_name(dataset, day, raw.name.rpartition('/')[2], found.sha256)}"
    if not zones.copied(raw, place, found.sha256):
        return Sorted("changed")
    if found.problem:
        _reject(raw, found, place, zones, config)
    if not zones.removed(raw):
        return Sorted("changed", place, found)
    return Sorted("rejected" if found.problem else "archived", place, found)


def _reject(raw: RawFile, found: Verdict, place: str, zones: Zones, config: ValidationConfig) -> None:
    """Writes the reason beside the file, and tells the topic of it."""
    problem = found.problem
    assert problem
    entry = {
        "file": f"raw/{raw.name}", "line": problem.line, "column": problem.column, "reason": problem.reason,
        "value": problem.value, "delivered_at": raw.delivered.isoformat(timespec="microseconds"),
        "sha256": found.sha256, "rows": found.rows, "bad": found.bad,
    }  # fmt: skip
    entry = {name: value for name, value in entry.items() if value is not None}
    zones.folder.write(f"{place}.reason.json", (json.dumps(entry, indent=2) + "\n").encode())
    if config.alerts_topic_arn:
        message = json.dumps(entry | {"rejected": f"{zones.folder.uri}/{place}"}, indent=2)
        Topic(config.alerts_topic_arn).send("Customer 360: a file was rejected", message)


def _begin(config: ValidationConfig) -> tuple[RunReport, Zones]:
    report = RunReport(STAGE)
    report.details |= {"zones": config.zones_uri, "outcomes": Counter(), "files": []}
    return report, zones_at(config.zones_uri)


def _tell(report: RunReport, name: str, found: Sorted) -> None:
    """Adds what became of a file to the report, and says it."""
    report.details["outcomes"][found.outcome] += 1
    entry: dict[str, Any] = {"file": name, "outcome": found.outcome}
    entry |= {"place": found.place} if found.place else {}
    if found.verdict:
        entry |= {"rows": found.verdict.rows, "bad": found.verdict.bad}
        report.rows_in += found.verdict.rows
        if problem := found.verdict.problem:
            report.rows_rejected += found.verdict.rows
            entry |= {"reason": problem.reason} | ({"line": problem.line} if problem.line else {})
        else:
            report.rows_out += found.verdict.rows
    report.details["files"].append(entry)
    report.log("sort", found.outcome, "warning" if found.outcome == "rejected" else "info", **entry)


def _name_in_raw(one: Announced, config: ValidationConfig) -> str:
    """The name below `raw` of an object that was announced.

    Raises:
        InputError: it is elsewhere.
    """
    uri, raw = f"s3://{one.bucket}/{one.key}", f"{config.zones_uri}/raw/"
    if not uri.startswith(raw):
        raise InputError(f"{uri} is not below {raw}", "Correct the notifications of this bucket, or --zones")
    return uri.removeprefix(raw)
