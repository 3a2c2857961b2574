"""How services of AWS spell tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most services take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def in_lower_case(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as Step Functions and ECS take them."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def as_mapping(tags: Any) -> dict[str, str]:
    """Tags by key, of which services give a mapping, or a list with either spelling."""
    if isinstance(tags, Mapping):
        return dict(tags)
    return {one.get("Key", one.get("key")): one.get("Value", one.get("value", "")) for one in tags or []}
