"""Builds every pipeline of the catalog with the SageMaker SDK, without AWS, and writes the definitions to stdout.

Runs in the SDK's environment, as a process of its own: see `pipelines.definitions.build`.
"""

from __future__ import annotations

import json
import sys
import warnings
from contextlib import redirect_stdout

import boto3
from sagemaker.core.workflow.pipeline_context import PipelineSession

from pipelines.catalog import CATALOG

# instead of the defaults files of whoever builds, which the SDK would work into the definitions
SDK_CONFIG = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}


def offline_session() -> PipelineSession:
    """A session that collects requests and sends none."""
    return PipelineSession(boto_session=boto3.Session(), sagemaker_config=SDK_CONFIG)


def main() -> None:
    """Writes one JSON object: the definition of each pipeline by its name."""
    warnings.filterwarnings("ignore", message="Running within a PipelineSession", category=UserWarning)
    output = sys.stdout
    with redirect_stdout(sys.stderr):
        session = offline_session()
        definitions = {name: json.loads(build(name, session).definition()) for name, build in CATALOG.items()}
    json.dump(definitions, output)


if __name__ == "__main__":
    main()
