"""Patches that make ministack's Step Functions behave as in AWS; `patches` lists and installs them.

`executions` starts and ends executions, `interpreter` runs their states, and the other modules each fix one topic.
"""
