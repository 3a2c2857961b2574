"""The local AWS: ministack with SageMaker pipelines, Glue runs, the Redshift Data API and mended Step Functions."""
