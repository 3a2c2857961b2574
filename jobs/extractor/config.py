"""Configuration of the extractor."""

from __future__ import annotations

import re
from dataclasses import dataclass

from common.errors import ParameterError, WindowError
from common.runtime.context import StageConfig
from common.windows import Windows

SOURCES = ("auto", "index", "listing")
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


@dataclass(frozen=True)
class ExtractorConfig(StageConfig):
    """A request for the mini-batches of a range of windows; `windows_filter`, if not None, selects some of them.

    Raises:
        ParameterError: the request id is invalid.
        WindowError: a window of the filter is outside the range.
    """

    request_id: str
    input_prefix: str
    manifest_uri: str
    windows_filter: tuple[Windows, ...] | None
    source: str

    def __post_init__(self) -> None:
        if not REQUEST_ID.fullmatch(self.request_id):
            raise ParameterError(
                f"request id {self.request_id!r} is invalid",
                "Give 1 to 128 letters, digits, dots, colons, hyphens and underscores, starting with a letter or digit",
            )
        for window in self.windows_filter or ():
            if not self.windows.start <= window.start < self.windows.end:
                raise WindowError(
                    f"window {window} of --windows-filter is outside {self.windows}", "Extend --window, or omit it"
                )

    @property
    def wanted(self) -> tuple[Windows, ...]:
        """The requested windows, in order."""
        return tuple(self.windows) if self.windows_filter is None else self.windows_filter
