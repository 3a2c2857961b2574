"""The errors that a user can meet: each names the value, the place and what to do about it."""

from __future__ import annotations


class NdrError(Exception):
    """A failure that the user can act on.

    The message is one line: what is wrong (with the value and the place), then the remedy.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem.rstrip('.')}. {remedy}")
        self.problem = problem
        self.remedy = remedy


class InputError(NdrError):
    """Input data is missing, empty or cannot be read at all."""


class FormatError(NdrError):
    """The format of a log file cannot be told, or is not the one that was named."""


class RejectedRatioError(NdrError):
    """More records were rejected than `max_rejected_ratio` allows."""


class WindowError(NdrError):
    """A window or range is malformed or off the 15-minute grid."""


class SpecError(NdrError):
    """The feature specification is unknown, or its file is wrong."""


class ParameterError(NdrError):
    """A project parameter is unknown, missing, of the wrong type or out of range."""


class TableError(NdrError):
    """A lake table is missing, unreadable, or does not match its declaration."""


class CommitError(NdrError):
    """A write could not be committed to the lake."""


class EngineError(NdrError):
    """The compute engine cannot be started or failed."""


class AwsError(NdrError):
    """An AWS service refused a call, or could not be reached."""


class RedshiftError(NdrError):
    """A statement failed in Redshift, or took too long."""


class StorageError(NdrError):
    """A file of a folder or bucket cannot be listed, read or written."""


class ModelError(NdrError):
    """A model artifact is missing, altered, or does not match its manifest or the features."""


class StageError(NdrError):
    """A stage failed that another command ran."""


class DeploymentError(NdrError):
    """The control plane could not be deployed, or is not deployed."""
