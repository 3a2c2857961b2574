"""Replacement of private functions of ministack, and the check that they exist as declared.

ministack's only public interface is HTTP. `ministack_names` declares every private name in use with its parameters
in the tested version; they are checked before the server starts.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from localaws.server.ministack_names import PRIVATE_NAMES

TESTED_VERSION = "1.5.33"


class PatchError(Exception):
    """A private name of ministack is missing or has changed."""


def _parameters(value: object) -> tuple[str, ...]:
    return tuple(inspect.signature(value).parameters) if callable(value) else ()


def _resolve(module: str, name: str) -> object:
    """The object with a dotted name in a module; raises AttributeError or ImportError if it does not exist."""
    found: object = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def problems() -> list[str]:
    """One line per declared name that is missing or has other parameters."""
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
    """Checks all declared names.

    Raises:
        PatchError: names are missing or have changed; the message lists them with the installed version.
    """
    found = problems()
    if found:
        raise PatchError(
            f"ministack {version('ministack')} differs from the supported version {TESTED_VERSION}: "
            f"{'; '.join(found)}. Install ministack=={TESTED_VERSION}, or adapt localaws/"
        )


def replace(module: Any, name: str, function: Callable[..., Any]) -> None:
    """Replaces a declared function by one with the same parameters."""
    expected = PRIVATE_NAMES[module.__name__][name]
    if _parameters(function) != expected:
        raise PatchError(f"the replacement of {module.__name__}.{name} has other parameters: {_parameters(function)}")
    *holders, last = name.split(".")
    setattr(_resolve(module.__name__, ".".join(holders)) if holders else module, last, function)
