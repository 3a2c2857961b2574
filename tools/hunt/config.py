"""Configuration of ndr-hunt."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HuntConfig:
    """Whom or what to look for, in how many of the last days, and how to print what is found; None for any.

    `peer` is an address or a network in CIDR notation.
    """

    lake_uri: str
    host: str | None
    peer: str | None
    port: int | None
    app: str | None
    days: int
    top: int
    feature_spec_version: str | None
    form: str
