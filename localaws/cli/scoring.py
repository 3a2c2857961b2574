"""The windows in which batches of ingestion are scored, as the executions of the 15-minute machine say."""

from __future__ import annotations

import json
from typing import Any

from localaws.cli.histories import Histories
from localaws.cli.process import LocalAws

MACHINE = "sfn_ndr_15m_features_inference"


class Scoring:
    """The executions that manifests have started, each found once."""

    def __init__(self, local: LocalAws) -> None:
        self._local, self._steps = local, local.client("stepfunctions")
        self._executions: dict[str, str] = {}

    def end_of(self, manifest: str) -> tuple[str, str] | None:
        """`scored` and the window, or `not scored` and why; None while it goes on, or has not begun."""
        arn = self._executions.get(manifest) or self._find(manifest)
        if arn is None:
            return None
        found = self._steps.describe_execution(executionArn=arn)
        if found["status"] == "RUNNING":
            return None
        if found["status"] == "SUCCEEDED":
            return "scored", _window(json.loads(found["output"]))
        return "not scored", ": ".join(filter(None, (found.get("error"), found.get("cause")))) or found["status"]

    def _find(self, manifest: str) -> str | None:
        machine = Histories(self._local).machines()[MACHINE]
        for page in self._steps.get_paginator("list_executions").paginate(stateMachineArn=machine):
            for item in page["executions"]:
                arn = str(item["executionArn"])
                if f"/{manifest}/" in self._steps.describe_execution(executionArn=arn)["input"]:
                    self._executions[manifest] = arn
                    return arn
        return None


def _window(output: dict[str, Any]) -> str:
    """The bounds of the window; another execution that took the batch along is named by the window's lock."""
    bounds = [output[name] for name in ("batch_start_ts_iso", "batch_end_ts_iso") if name in output]
    return f"window {'/'.join(bounds or output.get('lock_id', '').split('#')[-2:])}"
