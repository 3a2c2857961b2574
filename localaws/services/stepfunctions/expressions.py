"""JSONata as in Step Functions: version 2.0.6, without $eval, limited in processor time."""

from __future__ import annotations

import time
from typing import Any

from jsonata.jexception import JException
from jsonata.timebox import Timebox
from jsonata.tokenizer import Tokenizer
from ministack.services import stepfunctions as sf

_LATER_OPERATORS = ("??", "?:")

_original_create = Tokenizer.create
_original_timebox = Timebox.__init__
_original_register = sf._register_sfn_jsonata_functions


def create(self: Any, type: Any, value: Any) -> Any:
    """A token; operators of JSONata 2.1 are syntax errors."""
    if type == "operator" and value in _LATER_OPERATORS:
        raise JException("S0201", self.position, value)
    return _original_create(self, type, value)


def register_functions(expr: Any) -> None:
    """Registers the functions of Step Functions, and removes $eval."""
    _original_register(expr)
    expr.register_lambda("eval", _no_eval)


def _no_eval(expression: Any = None, focus: Any = None) -> Any:
    raise ValueError("T1006: Step Functions has no function $eval, use $parse")


def start_time(self: Any, expr: Any, timeout: int | None = None, max_depth: int | None = None) -> None:
    """Starts timing an evaluation by the thread's processor time, since many executions share the processor."""
    _original_timebox(self, expr, timeout, max_depth)
    self.time = time.thread_time()


def check_runaway(self: Any) -> None:
    """Raises JException if an evaluation is too deep or has run too long."""
    if self.max_depth is not None and self.depth > self.max_depth:
        raise JException("D1011", -1)
    if self.timeout is not None and (time.thread_time() - self.time) * 1000 > self.timeout:
        raise JException("D1012", -1, self.timeout)
