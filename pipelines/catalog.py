"""The pipelines: the name of each, and what builds it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline

from pipelines.backfill_extractor import build_backfill_historical_extractor_pipeline
from pipelines.fg_b_baseline import build_fg_b_baseline_pipeline
from pipelines.if_training import build_if_training_pipeline
from pipelines.inference import build_inference_predictions_pipeline
from pipelines.machine_inventory import build_machine_inventory_unload_pipeline
from pipelines.prediction_feature_join import build_prediction_feature_join_pipeline
from pipelines.streaming_15m import build_15m_streaming_pipeline, build_delta_builder_pipeline

CATALOG: dict[str, Callable[[str, PipelineSession], Pipeline]] = {
    "ndr-15m-streaming": build_15m_streaming_pipeline,
    "ndr-15m-streaming-fused": partial(build_15m_streaming_pipeline, fused=True),
    "ndr-inference-predictions": build_inference_predictions_pipeline,
    "ndr-prediction-feature-join": build_prediction_feature_join_pipeline,
    "ndr-machine-inventory-unload": build_machine_inventory_unload_pipeline,
    "ndr-fg-b-baseline": build_fg_b_baseline_pipeline,
    "ndr-if-training": build_if_training_pipeline,
    "ndr-backfill-historical-extractor": build_backfill_historical_extractor_pipeline,
    "ndr-delta-builder": build_delta_builder_pipeline,
}
