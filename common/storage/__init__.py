"""Files on a local disk or in S3."""
