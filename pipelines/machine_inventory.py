"""The pipeline that refreshes the machine inventory."""

from __future__ import annotations

from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline

from pipelines.parameters import Resources, text
from pipelines.steps import StageStep, chain

RESOURCES = Resources(instance_type="ml.m5.large", volume_size_in_gb=30, max_runtime_in_seconds=3600)


def build_machine_inventory_unload_pipeline(pipeline_name: str, session: PipelineSession) -> Pipeline:
    """The month's machine inventory, from Redshift into the lake."""
    step = StageStep("MachineInventoryUnloadStep", "ndr-inventory-unload", {"--month": text("InventoryMonth")})
    return chain(pipeline_name, session, RESOURCES, step)
