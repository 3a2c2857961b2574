"""The catalog of commands: the stages, each with an image, the tools, and what deploys and operates.

A stage's row holds all that the rest of the project needs to know about it. `tests/common/runtime/test_catalog.py`
compares it with the scripts of pyproject.toml, the bake file, the Dockerfiles, the pipelines and the README, and names
what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Base = Literal["base-core", "base-page", "base-c360", "base-warehouse", "base-serve", "base", "base-training"]


@dataclass(frozen=True)
class Tool:
    """A command: its name and its module."""

    command: str
    module: str


@dataclass(frozen=True)
class Stage(Tool):
    """A command that has an image of the same name.

    Attributes:
        summary: what it makes, in a few words.
        base: the image it builds on: without an engine, with templates of pages, with what Customer 360 needs, with a
            web server, with Sail, or also with the libraries of training.
        is_step: whether a pipeline runs it; others are run by functions, jobs and endpoints.
    """

    summary: str
    base: Literal["base-core", "base-page", "base-c360", "base-warehouse", "base-serve", "base", "base-training"] = (
        "base"
    )
    is_step: bool = True


STAGES = (
    Stage("ndr-delta", "jobs.delta", "host and pair slices from firewall logs", "base-core"),
    Stage("ndr-fg-a", "jobs.fg_a", "features of each host, from slices", "base-core"),
    Stage("ndr-pair-counts", "jobs.pair_counts", "sessions per pair and port, from slices", "base-core"),
    Stage("ndr-fg-b", "jobs.fg_b", "monthly baselines of hosts, segments and pairs"),
    Stage("ndr-fg-c", "jobs.fg_c", "deviations of features from the baselines", "base-core"),
    Stage("ndr-15m", "jobs.streaming_15m", "slices, features, pair counts and deviations in one process", "base-core"),
    Stage("ndr-if-training", "jobs.if_training", "a verified, trained and deployed model", "base-training"),
    Stage("ndr-inference", "jobs.inference", "anomaly scores and their reasons", "base-core"),
    Stage("ndr-join", "jobs.join", "predictions joined with features, published", "base-core"),
    Stage("ndr-inventory-unload", "jobs.inventory_unload", "the machine inventory, from Redshift"),
    Stage("ndr-maintain", "jobs.maintain", "a small and fast lake: old parts removed, small files put together"),
    Stage("ndr-canary", "jobs.canary", "proof that attacks in a copy of a window are found", "base-core"),
    Stage("ndr-extractor", "jobs.extractor", "the manifest of a backfill"),
    Stage("ndr-page", "tools.page", "the cases of a day as one HTML page", "base-page"),
    Stage("ndr-alerts", "tools.alerts", "cases, handed over to other systems", "base-core"),
    Stage("ndr-serve", "jobs.serve", "scores of features on request, at an endpoint", "base-serve", False),
    Stage("ndr-manifest-builder", "jobs.manifest_builder", "manifests of NDJSON files that land", "base-core", False),
    Stage("ndr-ndjson-to-parquet", "jobs.ndjson_to_parquet", "Parquet from NDJSON, as text", "base-core", False),
    Stage("c360-validate", "jobs.c360_validate", "delivered files of Customer 360, sorted", "base-core", False),
    Stage("c360-clean", "jobs.c360_clean", "typed rows of Customer 360, by day", "base-c360", False),
    Stage("c360-staging", "jobs.c360_staging", "a snapshot of customers, plans and events", "base", False),
    Stage("c360-warehouse", "jobs.c360_warehouse", "dimensions and facts, from snapshots", "base-warehouse", False),
)
TOOLS = (
    Tool("ndr-parse", "tools.parse"),
    Tool("ndr-simulate", "tools.simulate"),
    Tool("ndr-evaluate", "tools.evaluate"),
    Tool("ndr-report", "tools.report"),
    Tool("ndr-feedback", "tools.feedback"),
    Tool("ndr-calendar", "tools.calendar"),
    Tool("ndr-sessions", "tools.sessions"),
    Tool("ndr-hunt", "tools.hunt"),
    Tool("ndr-privacy", "tools.privacy"),
    Tool("ndr-indicators", "tools.indicators"),
    Tool("ndr-features", "tools.features"),
    Tool("ndr-models", "tools.models"),
    Tool("ndr-lake", "tools.lake"),
    Tool("ndr-settings", "tools.settings"),
    Tool("ndr-batches", "tools.batches"),
    Tool("ndr-ingestion", "tools.ingestion"),
    Tool("ndr-cost", "tools.cost"),
    Tool("ndr-demo", "tools.demo"),
    Tool("ndr-completion", "tools.completion"),
    Tool("c360-simulate", "tools.c360_simulate"),
    Tool("c360-demo", "tools.c360_demo"),
)
OPERATION = (
    Tool("ndr-spark", "common.runtime.spark_cluster"),
    Tool("ndr-statemachines", "statemachines.cli"),
    Tool("ndr-local", "localaws.cli.cli"),
    Tool("ndr-pipelines", "pipelines.cli"),
)
"""Commands that deploy and operate."""
