"""The catalog of commands: the stages, each with an image, and the tools beside them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One command: its name, which is also that of its image, and its module."""

    command: str
    module: str


STAGES = (
    Stage("ndr-delta", "jobs.delta"),
    Stage("ndr-fg-a", "jobs.fg_a"),
    Stage("ndr-pair-counts", "jobs.pair_counts"),
    Stage("ndr-fg-b", "jobs.fg_b"),
    Stage("ndr-fg-c", "jobs.fg_c"),
    Stage("ndr-15m", "jobs.streaming_15m"),
    Stage("ndr-if-training", "jobs.if_training"),
    Stage("ndr-inference", "jobs.inference"),
    Stage("ndr-join", "jobs.join"),
    Stage("ndr-inventory-unload", "jobs.inventory_unload"),
    Stage("ndr-extractor", "jobs.extractor"),
)
TOOLS = (
    Stage("ndr-parse", "tools.parse"),
    Stage("ndr-simulate", "tools.simulate"),
    Stage("ndr-evaluate", "tools.evaluate"),
    Stage("ndr-report", "tools.report"),
    Stage("ndr-feedback", "tools.feedback"),
    Stage("ndr-models", "tools.models"),
    Stage("ndr-demo", "tools.demo"),
)
