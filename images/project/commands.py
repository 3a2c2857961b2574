"""Writes the commands of pyproject.toml whose code is in this folder: python commands.py <pyproject.toml> <folder>."""

import sys
import tomllib
from pathlib import Path

COMMAND = """#!/opt/venv/bin/python3
from common.runtime.entrypoint import start
from {module} import {function}

start({function})
"""


def main(project: Path, folder: Path) -> None:
    """Writes one executable file for each entry of `project.scripts` whose module is there: those of images."""
    folder.mkdir(parents=True)
    for name, target in tomllib.loads(project.read_text())["project"]["scripts"].items():
        module, function = target.split(":")
        if not Path(*module.split(".")).with_suffix(".py").exists():
            continue
        path = folder / name
        path.write_text(COMMAND.format(module=module, function=function))
        path.chmod(0o755)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
