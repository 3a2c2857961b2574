"""SageMaker pipelines: definitions, executions, and steps as processes."""
