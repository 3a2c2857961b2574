"""A command as a function of Lambda."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import IO, Any, NoReturn

from common.errors import InputError

RUNTIME_API = "AWS_LAMBDA_RUNTIME_API"


def is_function() -> bool:
    """Whether Lambda started this process."""
    return bool(os.environ.get(RUNTIME_API))


def serve(handle: Callable[[Mapping[str, Any], Any], Any]) -> NoReturn:
    """Replaces this process by one that takes events from Lambda's Runtime API, one after the other."""
    os.environ.setdefault("AWS_LAMBDA_LOG_FORMAT", "JSON")
    os.execv(sys.executable, [sys.executable, "-m", "awslambdaric", f"{handle.__module__}.{handle.__name__}"])


def read_event(file: IO[str]) -> Mapping[str, Any]:
    """The event in a file.

    Raises:
        InputError: it is no JSON object.
    """
    try:
        event = json.load(file)
    except ValueError as error:
        raise InputError(f"event {file.name} is not JSON: {error}", "Give an event of SQS, or {}") from None
    if not isinstance(event, dict):
        raise InputError(f"event {file.name} is no JSON object", "Give an event of SQS, or {}")
    return event
