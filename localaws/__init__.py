"""The local AWS: ministack plus SageMaker pipelines, Glue job runs, the Redshift Data API and a patched Step Functions.

`cli` has the command ndr-local, which starts `server` as a process of its own; `server` patches ministack and adds
`services`; `processes` runs pipeline steps and Glue jobs as child processes; `state` saves everything on disk.
"""
