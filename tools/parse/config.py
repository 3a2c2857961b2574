"""Configuration of the log parser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common.errors import ParameterError
from common.logs import ReadOptions

STATS_FORMS = ("text", "json", "ndjson")
OUTPUT_SUFFIXES = (".ndjson", ".parquet")


@dataclass(frozen=True)
class ParseConfig:
    """The inputs to parse, and where the sessions go.

    Attributes:
        inputs: paths, file:// or s3:// URIs, folders, globs.
        options: format, time zone and column mapping.
        include_all: includes start logs and duplicates, with their status.
        out: file for the sessions; None = stdout.
        form: form of the sessions on stdout; of the summary, json, ndjson or text.
        rejects: NDJSON file for the rejected records; None = only counted.
        max_rejected_ratio: largest share of rejected records, 0 to 1; the run fails above it.
        threads: number of parser threads.
        stats: prints a summary instead of sessions.
        sample: number of sessions to choose from all; None = all.
    """

    inputs: tuple[str, ...]
    options: ReadOptions
    include_all: bool = False
    out: Path | None = None
    form: str = "ndjson"
    rejects: Path | None = None
    max_rejected_ratio: float = 0.05
    threads: int = 1
    stats: bool = False
    sample: int | None = None

    def __post_init__(self) -> None:
        if self.out is not None and self.out.suffix not in OUTPUT_SUFFIXES:
            raise ParameterError(
                f"output file {str(self.out)!r} has an unknown suffix", f"Use one of {', '.join(OUTPUT_SUFFIXES)}"
            )
        if self.stats and (self.out is not None or self.sample is not None or self.include_all):
            raise ParameterError("--stats goes with neither --out, --sample nor --all", "Leave it or the others out")
        if self.stats and self.form not in STATS_FORMS:
            raise ParameterError(f"a summary has no form {self.form!r}", "Use json or ndjson, or no --format for text")
        if not 0 <= self.max_rejected_ratio <= 1:
            raise ParameterError(f"max_rejected_ratio = {self.max_rejected_ratio} is out of range", "Use 0 to 1")
        if self.threads < 1:
            raise ParameterError(f"threads = {self.threads} is out of range", "Use 1 or more")
