"""JSONata as in Step Functions: version 2.0.6, without $eval, limited in processor time.

An expression is parsed once: parsing was three tenths of the time of an execution.
"""

from __future__ import annotations

import functools
import time
from typing import Any

from jsonata.jexception import JException
from jsonata.parser import Parser
from jsonata.timebox import Timebox
from jsonata.tokenizer import Tokenizer
from ministack.services import stepfunctions as sf

PARSED = 4096
"""How many expressions are remembered; a deployment has about a thousand, as their values are given apart from them."""

_LATER_OPERATORS = ("??", "?:")

_original_create = Tokenizer.create
_original_parse = Parser.parse
_original_timebox = Timebox.__init__
_original_register = sf._register_sfn_jsonata_functions


def create(self: Any, type: Any, value: Any) -> Any:
    """A token; operators of JSONata 2.1 are syntax errors."""
    if type == "operator" and value in _LATER_OPERATORS:
        raise JException("S0201", self.position, value)
    return _original_create(self, type, value)


@functools.lru_cache(PARSED)
def _tree(text: str | None, regex_engine: Any) -> Any:
    return _original_parse(Parser(), text, regex_engine)


def parse(self: Any, jsonata: str | None, regex_engine: Any) -> Any:
    """The tree of an expression, which evaluating it does not change."""
    return _tree(jsonata, regex_engine)


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
    self.began = time.monotonic()


def check_runaway(self: Any) -> None:
    """Raises JException if an evaluation is too deep or has run too long."""
    if self.max_depth is not None and self.depth > self.max_depth:
        raise JException("D1011", -1)
    if self.timeout is None or (time.monotonic() - self.began) * 1000 <= self.timeout:
        return  # asking for the processor time, at each step of an evaluation, takes a tenth of it
    if (time.thread_time() - self.time) * 1000 > self.timeout:
        raise JException("D1012", -1, self.timeout)
