"""AWS: boto3 clients, and statements in Redshift through its Data API."""
