"""Releases of an environment: what all its parts were when they were deployed, so that all can be that again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from common import __version__
from common.errors import DeploymentError
from common.windows import iso_seconds
from statemachines.deploy.release_parts import Told, check_kept, deployed, restore
from statemachines.deploy.release_pruning import drop, prune
from statemachines.deploy.release_store import FILE, FOLDER, Record, Release, Store

DEPLOYING = "deploy"


def begin(bucket: str) -> None:
    """Writes down that a deployment begins, so that what interrupts it can be taken back to the release before it.

    A rollback that was interrupted is given up: the release to which it went is the one before.

    Raises:
        DeploymentError: the record is damaged.
        AwsError: a call was refused.
    """
    store = Store(bucket)
    record = store.read()
    if record.current is None or record.underway == DEPLOYING:
        return
    if isinstance(record.underway, int):
        _make_current(record, record.underway)
    record.underway = DEPLOYING
    store.write(record)


def record_deployed(
    prefix: str, bucket: str, stacks: Sequence[str], tag: str, signed_by: str | None
) -> tuple[int, bool]:
    """The number of the release that is deployed now, and whether it is a new one, as anything differs from the last.

    Of what it can go back to, ten releases are kept; what none of them has, and nothing uses, is removed.

    Raises:
        DeploymentError: the record is damaged.
        AwsError: what is deployed cannot be read, or the record cannot be written.
    """
    store = Store(bucket)
    record = store.read()
    parts = deployed(prefix, stacks, store)
    current = record.numbered(record.current)
    is_new = current is None or {name: current.get(name) for name in parts} != parts
    if is_new:
        record.last += 1
        about = {"number": record.last, "before": record.current, "tag": tag, "signed_by": signed_by}
        times = {"release": __version__, "time": iso_seconds(datetime.now(UTC)), "until": None}
        record.releases.append({**about, **times, **parts})
        _make_current(record, record.last)
    gone = drop(prefix, record)
    if record.underway is not None or gone or record.current != (current and current["number"]):
        record.underway = None
        store.write(record)
    prune(prefix, record, store)
    assert record.current is not None
    return record.current, is_new


def go_back(bucket: str, tell: Told) -> int:
    """The number of the release before, which all parts are again.

    A deployment that was interrupted is taken back to the release before it, which is the one that was deployed; a
    rollback that was, goes on.

    Raises:
        DeploymentError: there is no release before, or not all of it is kept; nothing was changed.
        AwsError: a call was refused.
    """
    store = Store(bucket)
    record = store.read()
    wanted = _target(record)
    check_kept(wanted, store)
    record.underway = int(wanted["number"])
    store.write(record)
    restore(wanted, store, tell)
    _make_current(record, record.underway)
    number, record.underway = record.underway, None
    store.write(record)
    return number


def forget(bucket: str) -> None:
    """Removes the record and its texts: what was deployed is no more.

    Raises:
        AwsError: they cannot be removed.
    """
    store = Store(bucket)
    for key in (FILE, *store.keys(FOLDER)):
        store.remove(key)


def about(bucket: str) -> tuple[Release, str] | None:
    """The release that is deployed, and whether it is `deployed`, or a deployment or rollback was `interrupted`.

    Raises:
        DeploymentError: the record is damaged.
        AwsError: it cannot be read.
    """
    record = Store(bucket).read()
    current = record.numbered(record.current)
    return (current, "deployed" if record.underway is None else "interrupted") if current else None


def _target(record: Record) -> Release:
    """The release to which a rollback goes."""
    current = record.numbered(record.current)
    if current is None:
        raise DeploymentError("no release is deployed", "Deploy one")
    number: Any = record.underway
    if number is None:
        number = current["before"]
    elif number == DEPLOYING:
        number = record.current
    wanted = record.numbered(number)
    if wanted is None:
        raise DeploymentError("there is no release before the one that is deployed", "Deploy a corrected one")
    return wanted


def _make_current(record: Record, number: int) -> None:
    """Says that a release is deployed from now on, and the one before no longer."""
    now = iso_seconds(datetime.now(UTC))
    for release in record.releases:
        if release["number"] == number:
            release["until"] = None
        elif release["until"] is None:
            release["until"] = now
    record.current = number
