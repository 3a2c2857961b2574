"""Configuration of the feature catalogue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CatalogueConfig:
    """What to print: one name or (None) all base metrics, of which specification, in which format."""

    name: str | None
    form: str | None
    feature_spec_version: str
    as_markdown: bool = False
