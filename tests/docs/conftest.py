"""Long commands of the documentation run only where they are asked for."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "docs_long" in (config.option.markexpr or ""):
        return
    long = [item for item in items if item.get_closest_marker("docs_long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]
