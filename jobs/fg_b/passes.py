"""Passes over a history that does not fit into memory: by role and window label, then by segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.contracts.types import ddl
from common.features.spec import FeatureSpec
from jobs.fg_b.subjects import Slice, all_slices, feature_columns, result_columns, segment_baselines

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

VALUE_BYTES = 8


@dataclass(frozen=True)
class Pass:
    """One pass over the history: the features of some slices, for one of `buckets` groups of segments."""

    slices: Sequence[Slice]
    bucket: int
    buckets: int


def plan_passes(spec: FeatureSpec, rows: int, pass_bytes: int) -> list[Pass]:
    """The passes, each with at most `pass_bytes` of feature values if segments are of equal size.

    Columns are divided first, because only the columns of a pass are read.
    """
    slices = all_slices(spec)
    slice_bytes = rows * len(spec.metrics) * VALUE_BYTES
    together = max(1, min(len(slices), pass_bytes // max(slice_bytes, 1)))
    buckets = 1 if slice_bytes <= pass_bytes else -(-slice_bytes // pass_bytes)
    cuts = [slices[start : start + together] for start in range(0, len(slices), together)]
    return [Pass(cut, bucket, buckets) for cut in cuts for bucket in range(buckets)]


def baselines_of(spec: FeatureSpec, rows: DataFrame, one: Pass) -> DataFrame:
    """The baselines of the pass's segments and their hosts, `result_columns`; segments have no host."""
    if one.buckets > 1:
        rows = rows.where(F.crc32(F.col("segment_id").cast("binary")) % one.buckets == one.bucket)
    columns = ["host_ip", "segment_id", "time_band", *feature_columns(spec, one.slices)]
    grouped = rows.select(*columns).groupBy("segment_id")
    return grouped.applyInArrow(segment_baselines(spec, one.slices), ddl(result_columns(spec)))
