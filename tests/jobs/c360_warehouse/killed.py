"""A load that is killed: `python -m tests.jobs.c360_warehouse.killed STAGING DATABASE STATEMENT`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from jobs.c360_warehouse.config import LoadConfig
from jobs.c360_warehouse.database import Warehouse
from jobs.c360_warehouse.job import run

EXIT_CODE = 137
execute = Warehouse.execute


def main(staging: str, database: str, start: str) -> None:
    """Ends the process where the first statement that starts so would be executed, without any clean-up."""

    def until(self: Warehouse, text: str, values: dict[str, str] | None = None) -> list[dict[str, Any]]:
        if text.startswith(start):
            os._exit(EXIT_CODE)
        return execute(self, text, values)

    Warehouse.execute = until  # type: ignore[method-assign]
    run(LoadConfig(staging, Path(database), 0.0))


if __name__ == "__main__":
    main(*sys.argv[1:])
