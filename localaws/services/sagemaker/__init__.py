"""SageMaker pipelines: `handlers` takes requests, `runner` starts each step of an execution as a process.

`definition` parses and checks pipelines, `commands` builds the command line of a step, `records` keeps everything.
`model_packages` is the model registry.
"""
