"""The stages: command, module and engine of each, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage: its command (also the name of its image), its module, and whether it needs the compute engine."""

    command: str
    module: str
    needs_engine: bool = True


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
    Stage("ndr-extractor", "jobs.extractor", needs_engine=False),
)
TOOLS = (
    Stage("ndr-parse", "jobs.parse", needs_engine=False),
    Stage("ndr-simulate", "jobs.simulate", needs_engine=False),
    Stage("ndr-evaluate", "jobs.evaluate", needs_engine=False),
    Stage("ndr-report", "jobs.report", needs_engine=False),
    Stage("ndr-feedback", "jobs.feedback", needs_engine=False),
    Stage("ndr-demo", "jobs.demo", needs_engine=False),
)
