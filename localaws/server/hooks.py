"""The private names of ministack that are used or replaced, and the check that they are there.

ministack's public part is HTTP. Mending it means reaching below, so every name below is declared here with the
parameters that it has in the version that was read, and checked before the server starts.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from localaws.server.ministack_names import PRIVATE_NAMES

TESTED_VERSION = "1.5.33"


class HookError(Exception):
    """A name of ministack that is built upon is missing or has changed."""


def _parameters(value: object) -> tuple[str, ...]:
    return tuple(inspect.signature(value).parameters) if callable(value) else ()


def _resolve(module: str, name: str) -> object:
    """The object of a dotted name in a module; raises AttributeError or ImportError where there is none."""
    found: object = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def problems() -> list[str]:
    """One line per declared name that is missing, or whose parameters differ from the declared ones."""
    lines = []
    for module, names in PRIVATE_NAMES.items():
        for name, expected in names.items():
            try:
                found = _resolve(module, name)
            except (AttributeError, ImportError):
                lines.append(f"{module}.{name} is missing")
                continue
            if expected is not None and _parameters(found) != expected:
                lines.append(f"{module}.{name} takes ({', '.join(_parameters(found))}), not ({', '.join(expected)})")
    return lines


def check() -> None:
    """Raise HookError, naming each missing or changed name and the installed version, unless all are as declared."""
    found = problems()
    if found:
        raise HookError(
            f"ministack {version('ministack')} is not what this plugin was written for (ministack {TESTED_VERSION}): "
            f"{'; '.join(found)}. Install ministack=={TESTED_VERSION}, or adapt localaws/"
        )


def replace(module: Any, name: str, function: Callable[..., Any]) -> None:
    """Put a function in the place of a declared one with the same parameters."""
    expected = PRIVATE_NAMES[module.__name__][name]
    if _parameters(function) != expected:
        raise HookError(f"the replacement of {module.__name__}.{name} takes other parameters: {_parameters(function)}")
    *holders, last = name.split(".")
    setattr(_resolve(module.__name__, ".".join(holders)) if holders else module, last, function)
