"""Two engines that evaluate the expressions of the state machines as Step Functions does."""

from __future__ import annotations

import hashlib
import json
import math
import random
import shutil
import subprocess
import threading
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from jsonata import Jsonata
from jsonata.jexception import JException
from jsonata.utils import Utils

from tests.checkout import ROOT

CHECKS = ROOT / "statemachines" / "lint" / "checks"
ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
NOW = 1_773_149_000_000  # 2026-03-10T13:23:20Z, what $millis() says in tests


class QueryError(Exception):
    """An expression failed, or has no result: States.QueryEvaluationError."""


class Engine(Protocol):
    def evaluate(self, expression: str, variables: Mapping[str, Any], states: Mapping[str, Any]) -> Any:
        """The value of an expression; raises QueryError."""


def has_node() -> bool:
    """Whether the engine that AWS documents can be run here."""
    return shutil.which("node") is not None and (CHECKS / "node_modules" / "jsonata").is_dir()


class PythonEngine:
    """jsonata-python with the functions of Step Functions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def evaluate(self, expression: str, variables: Mapping[str, Any], states: Mapping[str, Any]) -> Any:
        bindings = {name: Utils.NULL_VALUE if value is None else value for name, value in variables.items()}
        bindings["states"] = dict(states)
        with self._lock:
            try:
                value = _parsed(expression).evaluate(None, bindings)
                if value is None and not _parsed(f"$exists(({expression}))").evaluate(None, bindings):
                    raise QueryError("undefined")
            except (JException, ValueError, TypeError, KeyError, AttributeError) as error:
                raise QueryError(f"{getattr(error, 'error', type(error).__name__)}: {error}") from error
        return json.loads(json.dumps(value))


@cache
def _parsed(expression: str) -> Any:
    parsed = Jsonata.jsonata(expression)
    for name, implementation in _FUNCTIONS.items():
        parsed.register_lambda(name, implementation)
    return parsed


def _partition(array: list[Any], size: float) -> list[list[Any]]:
    width = math.floor(size)
    return [array[start : start + width] for start in range(0, len(array), width)]


def _range(start: int, end: int, step: int) -> list[int]:
    return list(range(start, end + (1 if step > 0 else -1), step))


_FUNCTIONS = {
    "hash": lambda text, algorithm: hashlib.new(ALGORITHMS[algorithm], text.encode()).hexdigest(),
    "millis": lambda: NOW,
    "parse": lambda text: json.loads(text),
    "partition": _partition,
    "random": lambda seed=None: random.Random(seed).random(),
    "range": _range,
    "uuid": lambda: str(uuid.uuid4()),
}


class NodeEngine:
    """JSONata 2.0.6 itself, in a process of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            ["node", str(CHECKS / "evaluate.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def evaluate(self, expression: str, variables: Mapping[str, Any], states: Mapping[str, Any]) -> Any:
        request = {"expression": expression, "variables": variables, "states": states, "now": NOW}
        with self._lock:
            assert self._process.stdin and self._process.stdout
            self._process.stdin.write(json.dumps(request) + "\n")
            response = json.loads(self._process.stdout.readline())
        if "error" in response:
            raise QueryError(response["error"])
        if "value" not in response:
            raise QueryError("undefined")
        return response["value"]

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=10)


class DisagreementError(AssertionError):
    """The engines give different results."""


class BothEngines:
    """Both engines at once, which must agree; each expression that was evaluated is remembered, and what it gave."""

    def __init__(self, engines: list[Engine]) -> None:
        self.engines = engines
        self._known: dict[str, tuple[str, Any]] = {}
        self.evaluated: set[str] = set()

    def evaluate(self, expression: str, variables: Mapping[str, Any], states: Mapping[str, Any]) -> Any:
        self.evaluated.add(expression)
        used = {name: value for name, value in variables.items() if f"${name}" in expression}
        key = json.dumps([expression, used, states], sort_keys=True)
        if key not in self._known:
            self._known[key] = self._agreed(expression, used, states)
        kind, value = self._known[key]
        if kind == "error":
            raise QueryError(value)
        return json.loads(value)

    def _agreed(self, expression: str, variables: Mapping[str, Any], states: Mapping[str, Any]) -> tuple[str, Any]:
        results = [_result(engine, expression, variables, states) for engine in self.engines]
        if any(result != results[0] for result in results):
            raise DisagreementError(f"{expression}\nwith {states}, {variables}\ngives {results}")
        kind, value = results[0]
        return kind, json.dumps(value) if kind == "value" else value


def _result(engine: Engine, *request: Any) -> tuple[str, Any]:
    try:
        return "value", engine.evaluate(*request)
    except QueryError:
        return "error", "the expression has no value"
