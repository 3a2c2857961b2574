"""Changes of a stack, known before they are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from common.errors import DeploymentError
from common.retries import polled

NAME = "ndr-"
NOTHING = ("didn't contain changes", "No updates are to be performed")
"""What CloudFormation says of a change set that changes nothing, which it calls failed."""
TAKEN_OVER = "taken over"
DONE = {"Add": "created", "Import": TAKEN_OVER, "Remove": "deleted", "Modify": "changed", "Dynamic": "changed"}
SECONDS = 300.0
PAUSE_SECONDS, SETTLING_SECONDS = 2.0, 1800.0


@dataclass(frozen=True)
class Change:
    """What becomes of a resource: created, taken over, changed, replaced, deleted, or left behind where it is kept."""

    what: str
    resource: str
    kind: str

    @property
    def loses(self) -> bool:
        """Whether something is gone afterwards."""
        return self.what in ("replaced", "deleted")


@dataclass(frozen=True)
class Proposed:
    """A change set that can be executed."""

    arn: str
    changes: tuple[Change, ...]


def propose(cloudformation: Any, request: Mapping[str, Any], is_new: bool) -> Proposed | None:
    """The change set of a request to create or update a stack; None where nothing would change.

    Resources that exist by their name, since a deleted stack kept them, are taken over. Change sets that an
    interrupted deployment left are removed.

    Raises:
        DeploymentError: CloudFormation cannot say what would change.
        ClientError: the request was refused.
    """
    stack = request["StackName"]
    _wait_until_settled(cloudformation, stack)
    for name in _left(cloudformation, stack):
        cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
    created = cloudformation.create_change_set(
        **request,
        ChangeSetName=f"{NAME}{uuid4().hex}",
        ChangeSetType="CREATE" if is_new else "UPDATE",
        ImportExistingResources=True,
    )
    arn = str(created["Id"])

    def described() -> dict[str, Any] | None:
        found: dict[str, Any] = cloudformation.describe_change_set(ChangeSetName=arn)
        return found if found["Status"] in ("CREATE_COMPLETE", "FAILED") else None

    found = polled(f"the changes of {stack}", described, first_pause_seconds=0.05, seconds=SECONDS)
    reason = "they are not known in time" if found is None else found.get("StatusReason", "no reason was given")
    if found and found["Status"] == "CREATE_COMPLETE":
        return Proposed(arn, tuple(_changes(cloudformation, arn)))
    if found:
        cloudformation.delete_change_set(ChangeSetName=arn)
    if any(words in reason for words in NOTHING):
        return None
    raise DeploymentError(f"the changes of the stack {stack} are unknown: {reason}", "Correct the cause, deploy again")


def _wait_until_settled(cloudformation: Any, stack: str) -> None:
    """Waits for what a deployment began that was killed: CloudFormation goes on, and takes nothing meanwhile."""

    def settled() -> str | None:
        try:
            status = str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        except ClientError as error:
            if "does not exist" in str(error):
                return "ABSENT"
            raise
        return None if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS" else status

    if polled(f"the stack {stack}", settled, first_pause_seconds=PAUSE_SECONDS, seconds=SETTLING_SECONDS) is None:
        raise DeploymentError(f"the stack {stack} is still being changed", "Look at its events, and repeat the command")


def check_allowed(cloudformation: Any, stack: str, proposed: Proposed, allow_replace: bool) -> None:
    """Refuses changes that lose something, unless they are allowed; the change set is removed then.

    Raises:
        DeploymentError: a resource would be replaced or deleted.
    """
    lost = [f"{change.resource} would be {change.what}" for change in proposed.changes if change.loses]
    if lost and not allow_replace:
        cloudformation.delete_change_set(ChangeSetName=proposed.arn)
        raise DeploymentError(
            f"in the stack {stack}, {', '.join(lost)}", "Nothing was changed; allow it by --allow-replace"
        )


def _left(cloudformation: Any, stack: str) -> list[str]:
    try:
        pages = cloudformation.get_paginator("list_change_sets").paginate(StackName=stack)
        names = [one["ChangeSetName"] for page in pages for one in page["Summaries"]]
    except ClientError as error:
        if "does not exist" in str(error):
            return []
        raise
    return [name for name in names if name.startswith(NAME)]


def _changes(cloudformation: Any, arn: str) -> Iterator[Change]:
    for page in cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=arn):
        for entry in page["Changes"]:
            change = entry["ResourceChange"]
            what = DONE[change["Action"]]
            # `Conditional` says that it is not known yet: of what refers to a changed resource, and is seldom replaced
            if what == "changed" and change.get("Replacement") == "True":
                what = "replaced"
            if what == "deleted" and change.get("PolicyAction") == "Retain":
                what = "left behind"
            yield Change(what, change["LogicalResourceId"], change["ResourceType"])
