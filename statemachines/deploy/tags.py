"""The tags of an environment."""

from __future__ import annotations


def environment_tags(prefix: str) -> dict[str, str]:
    """The tags of everything whose name begins with the prefix; none where there is no prefix."""
    name = prefix.removesuffix("-")
    return {"environment": name} if name else {}
