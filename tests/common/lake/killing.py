"""Runs that are killed at a chosen commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from common.lake.lake import Lake

COMMITTING = ("replace", "replace_files", "rewrite", "remove")


class Killed(BaseException):
    """The end of a process, as far as a test can bring it about: no `except` of the code catches it."""


@contextmanager
def killed_at(commit: int) -> Iterator[list[str]]:
    """Ends the block before its commit of that number, counted from 0; yields the tables committed so far."""
    done: list[str] = []

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(lake: Lake, name: str, *arguments: Any) -> Any:
            if len(done) == commit:
                raise Killed
            result = method(lake, name, *arguments)
            done.append(name)
            return result

        return call

    with ExitStack() as patched:
        for name in COMMITTING:
            patched.enter_context(patch.object(Lake, name, counted(getattr(Lake, name))))
        try:
            yield done
        except Killed:
            return
    assert len(done) <= commit, f"there are only {len(done)} commits"
