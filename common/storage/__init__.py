"""Files on the local disk or in S3, and temporary folders."""
