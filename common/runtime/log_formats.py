"""The names of the log formats, known without loading what reads them."""

from __future__ import annotations

from pathlib import Path
from pkgutil import iter_modules

LOG_FORMATS = tuple(sorted(found.name for found in iter_modules([str(Path(__file__).parents[1] / "logs" / "formats")])))
"""Each module of `common.logs.formats` is a format of that name."""
