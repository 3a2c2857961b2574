"""The scripts of click's completion, for all commands at once."""

from __future__ import annotations

from click.shell_completion import get_completion_class

from common.runtime.catalog import OPERATION, STAGES, TOOLS
from common.runtime.commands import NdrCommand

SHELLS = ("bash", "zsh", "fish")


def script(shell: str) -> str:
    """The script for a shell, one of `SHELLS`; with the Tab key, the shell asks the command itself."""
    completion = get_completion_class(shell)
    assert completion is not None, shell
    parts = []
    for entry in (*STAGES, *TOOLS, *OPERATION):
        variable = f"_{entry.command}_COMPLETE".replace("-", "_").upper()
        of_one = completion(NdrCommand(entry.command), {}, entry.command, variable)
        parts.append(of_one.source_template % of_one.source_vars())  # source() starts bash each time, for its version
    return "\n".join(parts)
