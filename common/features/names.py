"""Names in the feature specification: each is declared once, and what is used is declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from common.features.entries import SpecFile, listed, nearest

if TYPE_CHECKING:
    from common.features.spec import FeatureSpec, Metric


def check_names(file: SpecFile, spec: FeatureSpec, rows: Sequence[Metric]) -> None:
    """Checks the names of a specification, and those of all rows of its metrics.

    Raises:
        SpecError: a name is declared twice, or used but not declared.
    """
    names = [row.name for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise file.error(f"metric {name}", "declared twice", "Rename or remove one of them")
    uses = {
        "baseline.outlier_metrics": spec.outlier_metrics,
        "deviation.core_metrics": spec.core_metrics,
        **{f"composite {name}": sum(entry.metrics.values(), ()) for name, entry in spec.composites.items()},
    }
    deviating = [metric.name for metric in spec.deviation_metrics]
    for place, used in uses.items():
        for name in used:
            if name not in deviating:
                raise file.error(
                    place,
                    f"no metric with a deviation is called {name!r}{nearest(str(name), deviating)}",
                    "Declare it in metrics, or correct the name",
                )
    for metric in spec.metrics:
        if metric.kind not in spec.floors:
            raise file.error(
                f"metric {metric.name}",
                f"kind {metric.kind!r} is unknown{nearest(metric.kind, spec.floors)}",
                f"Use one of {listed(spec.floors)}, or add the kind to deviation.floors",
            )
