"""What ndr-alerts prints of a lake, and what people make of its cases meanwhile."""

from __future__ import annotations

import json
from typing import Any

from tests.commands import call
from tools.alerts.cli import main
from tools.feedback.cli import main as feedback


def printed(lake: str, *options: str) -> list[str]:
    code, text, error = call(main, "--lake", lake, *options)
    assert code == 0, error
    return text.splitlines()


def found(lake: str, *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed(lake, *options)]


def mark(lake: str, case: str, status: str) -> None:
    code, _, error = call(feedback, "--lake", lake, "--case", case, "--status", status, "--note", "x", "--by", "ann")
    assert code == 0, error
