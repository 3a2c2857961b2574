"""The state machine that builds missing windows: started once for each request, and waited for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors, client
from common.aws.executions import ended
from common.config.orchestration import MOST_WINDOWS
from common.errors import StageError
from common.windows import WINDOW, Windows, runs

NAME_MOST = 80
NO_BATCH = "no batch"


@dataclass(frozen=True)
class Outcome:
    """How an execution ended: its status, the windows without logs (gaps), and the reasons of what failed."""

    status: str
    gaps: tuple[str, ...]
    failures: tuple[str, ...]


def requests(
    project_name: str, feature_spec_version: str, run_id: str, round_number: int, windows: Sequence[Windows]
) -> list[dict[str, Any]]:
    """The inputs of the executions that build the windows, in the order of time; each spans at most 100 days."""
    groups: list[list[Windows]] = []
    for window in sorted(windows):
        if not groups or window.end - groups[-1][0].start > MOST_WINDOWS * WINDOW:
            groups.append([])
        groups[-1].append(window)
    return [
        {
            "project_name": project_name,
            "feature_spec_version": feature_spec_version,
            "start_ts_iso": _iso(group[0].start),
            "end_ts_iso": _iso(group[-1].end),
            "windows": [one.key if len(one) == 1 else one.span for one in runs(group)],
            "request_id": execution_name(run_id, round_number, [window.key for window in group]),
        }
        for group in groups
    ]


def execution_name(run_id: str, round_number: int, keys: Sequence[str]) -> str:
    """A name that depends only on the run, the round and the windows."""
    digest = hashlib.sha256("\n".join([run_id, str(round_number), *keys]).encode()).hexdigest()[:16]
    tail = f"-r{round_number}-{digest}"
    return re.sub(r"[^A-Za-z0-9-]", "-", run_id)[: NAME_MOST - len(tail)] + tail


class Backfill:
    """Executions of one state machine, which are polled for as often as `poll_attempts` all together."""

    def __init__(self, state_machine_arn: str, poll_seconds: float, poll_attempts: int) -> None:
        self._arn = state_machine_arn
        self._poll_seconds = poll_seconds
        self._poll_attempts = poll_attempts
        self._polls = 0
        self._client = client("stepfunctions")

    def start(self, request: dict[str, Any]) -> str:
        """The ARN of the execution with that input, which is started unless it was before.

        Raises:
            AwsError: the state machine does not exist, or may not be started.
        """
        name = request["request_id"]
        span = f"{request['start_ts_iso']}/{request['end_ts_iso']}"
        with aws_errors(f"state machine {self._arn} could not be started for windows of {span}"):
            try:
                started = self._client.start_execution(
                    stateMachineArn=self._arn, name=name, input=json.dumps(request, sort_keys=True)
                )
                return str(started["executionArn"])
            except ClientError as error:
                if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                    raise
        machine = ":".join(self._arn.split(":")[:7])  # without the version or alias
        return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"

    def wait(self, execution_arn: str) -> Outcome:
        """How the execution ended.

        Raises:
            StageError: it is still running after the last poll.
            AwsError: it cannot be polled.
        """
        found = ended(
            self._client,
            execution_arn,
            f"execution {execution_arn}",
            look=self._count,
            pause_seconds=self._poll_seconds,
            looks=max(1, self._poll_attempts - self._polls),
        )
        if found is not None:
            return _outcome(found, execution_arn)
        raise StageError(
            f"execution {execution_arn} is still running after {self._poll_attempts:,} polls, "
            f"{self._poll_seconds:g} s apart",
            "Run --stage remediate again: it continues to wait for the same execution",
        )

    def _count(self) -> None:
        self._polls += 1


def _outcome(found: dict[str, Any], execution_arn: str) -> Outcome:
    status = str(found["status"])
    if status != "SUCCEEDED":
        cause = " ".join(str(found.get("cause") or found.get("error") or "no cause was given").split())
        return Outcome(status, (), (f"{execution_arn} {status}: {cause[:300]}",))
    output = json.loads(found.get("output") or "{}")
    skipped, failed = (_entries(output.get(name, [])) for name in ("skipped", "failed"))
    busy = [(name, reason) for name, reason in skipped if not reason.startswith(NO_BATCH)]
    gaps = [Windows.parse(name) for name, reason in skipped if reason.startswith(NO_BATCH)]
    return Outcome(
        str(output.get("status", status)),
        tuple(window.key for gap in gaps for window in gap),
        tuple(f"{name}: {reason[:300]}" for name, reason in (*failed, *busy)),
    )


def _entries(raw: Sequence[Any]) -> list[tuple[str, str]]:
    """Ranges, or windows as older versions of the machine report them, with their reasons, as pairs or as objects."""
    pairs = [
        (entry.get("range") or entry["window"], entry["reason"]) if isinstance(entry, dict) else tuple(entry)
        for entry in raw
    ]
    return [(str(name), " ".join(str(reason).split())) for name, reason in pairs]


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
