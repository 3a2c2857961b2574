"""The programs of this installation."""

from __future__ import annotations

import sysconfig
from pathlib import Path


def scripts_folder() -> Path:
    """The folder of the commands installed in this Python environment."""
    return Path(sysconfig.get_path("scripts"))
