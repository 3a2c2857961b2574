"""From announced NDJSON files to manifests of files that are processed together."""
