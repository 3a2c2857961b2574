"""Environment variables that are set for a while, for libraries and child processes that take nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """While it lasts, the variables have these values; afterwards those of before."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def default_variables(values: Mapping[str, str]) -> Iterator[None]:
    """While it lasts, those of the variables that are not set have these values."""
    with variables({name: value for name, value in values.items() if name not in os.environ}):
        yield
