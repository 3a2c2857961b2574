"""Errors that users see: each names the value, the place and the remedy."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PLACE = re.compile(r'File "[^"]*?(?P<module>(common|jobs|tools)/[^"]+[.]py)", line (?P<line>[0-9]+)')


class NdrError(Exception):
    """A failure that the user can act on; the message is one line: the problem, then the remedy."""

    exit_code = 1
    """Of a command that ends with it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem.rstrip('.')}. {remedy}")
        self.problem = problem
        self.remedy = remedy

    @property
    def lines(self) -> tuple[str, ...]:
        """The message as a command prints it; most messages are one line."""
        return (str(self),)


class InputError(NdrError):
    """Input data is missing, empty or unreadable."""


class FormatError(NdrError):
    """The format of a log file is unknown, or differs from the one requested."""


class RejectedRatioError(NdrError):
    """More records were rejected than `max_rejected_ratio` allows."""


class WindowError(NdrError):
    """A window or range is malformed or off the 15-minute grid."""


class SpecError(NdrError):
    """The feature specification is unknown or invalid."""


class ParameterError(NdrError):
    """A project parameter is unknown, missing, of the wrong type or out of range."""


class ParametersError(ParameterError):
    """Several parameters are wrong; a command prints a line for each."""

    def __init__(self, problem: str, each: Sequence[str]) -> None:
        super().__init__(problem, "; ".join(each))
        self.each = tuple(each)

    @property
    def lines(self) -> tuple[str, ...]:
        """The problem, and below it a line for each parameter."""
        return (f"{self.problem}:", *self.each)


class PseudonymKeyError(NdrError):
    """A key of pseudonyms is missing, open to others, or another one than has made a pseudonym."""


class TableError(NdrError):
    """A lake table is missing or unreadable, or does not match its declaration."""


class LakeFormatError(NdrError):
    """A lake was written by a release with another format of tables."""


class LakeMismatchError(NdrError):
    """A lake is of another project, or was made with another specification or other settings, than a run was given."""


class CommitError(NdrError):
    """A write to the lake was not committed."""


class ShrinkError(NdrError):
    """A snapshot has far fewer keys than the accepted one before it."""


class EngineError(NdrError):
    """The compute engine failed or cannot start."""


class AwsError(NdrError):
    """An AWS service refused a call or cannot be reached."""


class RedshiftError(NdrError):
    """A Redshift statement failed or timed out."""


class StorageError(NdrError):
    """A file in a folder or bucket cannot be listed, read or written."""


class ModelError(NdrError):
    """A model artifact is missing or altered, or does not match its manifest or the features."""


class WarehouseError(NdrError):
    """The warehouse refused a snapshot or a statement, or another process has it open."""


class StageError(NdrError):
    """A stage that another command ran has failed."""


class ScoringError(StageError):
    """A stage that scores has failed, after the features of its windows were made."""

    exit_code = 3


class HandoverError(NdrError):
    """Another system has not taken a message."""


class RefusedMessageError(HandoverError):
    """Another system refuses a message; it may take others."""


class DeploymentError(NdrError):
    """The control plane is not deployed, or its deployment failed."""


def one_line(text: object, limit: int = 500) -> str:
    """The text with its whitespace collapsed, at most `limit` characters."""
    return " ".join(str(text).split())[:limit]


def first_line(error: BaseException) -> str:
    """The first line of an error's message, at most 300 characters; its type where the message is empty."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error says, in the words of Python, Arrow or the engine, that memory ran out."""
    words = ("start new thread", "launch worker thread", "resources exhausted", "allocate memory", "out of memory")
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in words)


def worker_cause(error: BaseException) -> NdrError | None:
    """What a function of this project raised in a worker of the engine; None if the error is not of this kind.

    The engine's message is the worker's traceback; an NdrError in it is given as it was raised.
    """
    text = str(error)
    if "Traceback (most recent call last)" not in text:
        return None
    lines = text.strip().splitlines()
    places = [found for line in lines if (found := _PLACE.search(line))]
    last = next(line for line in reversed(lines) if line.strip() and not line.startswith(" "))
    kind, _, message = last.partition(": ")
    if kind.startswith(f"{__name__}."):
        problem, _, remedy = message.rpartition(". ")
        return EngineError(problem, remedy)
    place = f"{places[-1]['module']}, line {places[-1]['line']}: " if places else ""
    return EngineError(f"{place}{one_line(last, 300)}", "Report this defect, with the input that causes it")
