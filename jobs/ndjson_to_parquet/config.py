"""Configuration of the job that writes NDJSON files as Parquet."""

from __future__ import annotations

from dataclasses import dataclass

from common.errors import ParameterError

COMPRESSIONS = ("snappy", "zstd", "gzip", "lz4", "none")


@dataclass(frozen=True)
class ConversionConfig:
    """What to read and where to write it; locations are normal URIs (`common.storage.filesystems.normal_uri`).

    Attributes:
        max_rejected_ratio: share of the lines that may be rejected, between 0 and 1.
        processes: how many work at once where Spark does not.
        on_spark: whether the executors of classic Spark do the work.
    """

    manifest_uri: str
    output_uri: str
    rejects_uri: str
    compression: str = "snappy"
    max_rejected_ratio: float = 0.05
    processes: int = 1
    on_spark: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.max_rejected_ratio <= 1:
            raise ParameterError(f"--max-rejected-ratio {self.max_rejected_ratio} is no share", "Give one from 0 to 1")
