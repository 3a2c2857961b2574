"""The reference of the lake's tables, from their contracts."""

from __future__ import annotations

from collections.abc import Iterable

from common.contracts import tables
from common.contracts.session import SESSION_COLUMNS
from common.contracts.types import Column, Table
from common.features.spec import FeatureSpec, load_spec
from docs.generate.markdown import page, table

INTRODUCTION = """\
Every table is a Delta table below the lake's URI, declared once in `common/contracts/`. Stages read and write tables
through these contracts only. Columns are never null unless they say so. [Definitions](../definitions.md) says what the
numbers mean where a name leaves room."""


def render(version: str = "v1") -> str:
    """The page of all tables of that feature specification."""
    spec = load_spec(version)
    parts = [INTRODUCTION]
    for contract in tables(spec).values():
        parts += [f"## {contract.name}", _about(contract), _columns(contract, spec)]
    parts += [
        "## Sessions",
        "Not a table: what every log format is read into, and what `ndr-parse` prints.",
        _rows(SESSION_COLUMNS),
    ]
    return page("Tables", *parts)


def _about(contract: Table) -> str:
    return "\n".join(
        (
            f"{contract.grain[:1].upper()}{contract.grain[1:]}.",
            "",
            f"- key: {_names(contract.key)}",
            f"- partitions: {_names(contract.partitions)}",
        )
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _columns(contract: Table, spec: FeatureSpec) -> str:
    derived = _derived(spec).get(contract.name)
    if derived is None:
        return _rows(contract.columns)
    what, names = derived
    rest = [column for column in contract.columns if column.name not in names]
    return f"{_rows(rest)}\n\nand {len(contract.columns) - len(rest)} columns: {what}."


def _derived(spec: FeatureSpec) -> dict[str, tuple[str, frozenset[str]]]:
    """Which columns of wide tables follow from the feature specification, and what they are."""
    statistics = frozenset(f"{metric.name}_{statistic}" for metric in spec.metrics for statistic in spec.statistics)
    sentence = f"of each of the {len(spec.metrics)} metrics, named `<metric>_<statistic>`, the statistics " + _names(
        spec.statistics
    )
    return {
        "fg_a": ("the [features](../features.md)", frozenset(spec.fg_a_features())),
        "fg_c": ("the [deviations](../features.md)", frozenset(spec.fg_c_features())),
        "fg_b/host": (sentence, statistics),
        "fg_b/segment": (sentence, statistics),
    }


def _rows(columns: Iterable[Column]) -> str:
    return table(
        ("column", "type", "unit", "null", "meaning"),
        (
            (
                f"`{c.name}`",
                c.type,
                c.unit,
                f"when {c.null_when}" if c.null_when else "",
                c.meaning,
            )
            for c in columns
        ),
    )
