"""The join of predictions with selected features."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.contracts import PARTITIONS, join_features, tables
from common.features.spec import FeatureSpec

KEYS = ["host_ip", "window_end_ts"]


def join_predictions(
    predictions: DataFrame, current: DataFrame, deviations: DataFrame, spec: FeatureSpec, project_name: str
) -> DataFrame:
    """One row per prediction; features are null where `fg_a` or `fg_c` has no row for its host and window.

    `deviations` must have a single horizon. `record_id` is the SHA-256 (hex) of project, feature specification, model
    run, host and window key, joined by line feeds.
    """
    from_a, from_c = join_features(spec)
    window = PARTITIONS[-1].name
    identity = (F.lit(project_name), F.lit(spec.version), F.col("model_id"), F.col("host_ip"), F.col(window))
    return (
        predictions.join(current.select(*KEYS, "time_band", *from_a), on=KEYS, how="left")
        .join(deviations.select(*KEYS, "baseline_horizon", "baseline_source", *from_c), on=KEYS, how="left")
        .withColumn("record_id", F.sha2(F.concat_ws("\n", *identity), 256))
        .withColumn("project_name", F.lit(project_name))
        .withColumn("feature_spec_version", F.lit(spec.version))
        .select(*tables(spec)["prediction_join"].column_names)
    )
