"""The files of a new stage, and its lines in the files that list stages."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from common.errors import InputError

TEMPLATES = Path(__file__).parent / "templates"
NAME = re.compile(r"ndr(-[a-z0-9]+)+")
LONGEST_NAME = 40
BASES = {"base": "ON_SAIL", "base-training": "ON_TRAINING"}
"""What an image can be built on, and the variable of the bake file that lists such images."""


@dataclass(frozen=True)
class NewStage:
    """A stage that is to be added.

    Attributes:
        command: its command, such as `ndr-top-talkers`.
        base: what its image is built on.

    Raises:
        InputError: the command or the base cannot be that of a stage.
    """

    command: str
    base: str = "base"

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.command) or len(self.command) > LONGEST_NAME:
            raise InputError(
                f"{self.command!r} cannot be the name of a stage",
                f"Use the form ndr-top-talkers, with at most {LONGEST_NAME} characters",
            )
        if not self.module.isidentifier() or keyword.iskeyword(self.module):
            raise InputError(
                f"the package of {self.command} would be jobs.{self.module}, which Python cannot import",
                "Choose a name that begins with a letter after ndr- and is not a Python keyword",
            )
        if self.base not in BASES:
            raise InputError(f"there is no base {self.base!r}", f"Choose one of {', '.join(BASES)}")

    @property
    def module(self) -> str:
        """The package below `jobs`: `top_talkers`."""
        return self.command.removeprefix("ndr-").replace("-", "_")

    @property
    def class_name(self) -> str:
        """The beginning of class and step names: `TopTalkers`."""
        return "".join(word.capitalize() for word in self.module.split("_"))

    def files(self) -> dict[str, str]:
        """The text of each new file by its path."""
        templates = {
            **{f"jobs/{self.module}/{name}": f"job/{name}" for name in _JOB},
            f"images/{self.command}/Dockerfile": "Dockerfile",
            f"tests/jobs/{self.module}/__init__.py": "tests/__init__.py",
            f"tests/jobs/{self.module}/test_{self.module}.py": "tests/test_stage.py",
        }
        return {path: self._filled(template) for path, template in templates.items()}

    def changes(self, root: Path) -> dict[str, str]:
        """The new text of each file that lists stages, by its path.

        Raises:
            InputError: the file has no place for the stage, or names it already.
        """
        bake, project = (root / "docker-bake.hcl").read_text(), (root / "pyproject.toml").read_text()
        for name, text in (("docker-bake.hcl", bake), ("pyproject.toml", project)):
            if re.search(rf"(?m)^\s*\"?{self.command}\b(?!-)", text):
                raise InputError(f"{name} names {self.command} already", "Choose another name")
        script = f'{self.command} = "jobs.{self.module}.cli:main"\n'
        return {
            "docker-bake.hcl": _inserted(
                bake,
                rf'variable "{BASES[self.base]}" \{{[^}}]*?default += \[\n[^}}]*?(?=^  \])',
                f'    "{self.command}",\n',
            ),
            "pyproject.toml": _inserted(project, r'^\[project\.scripts\]\n(?:ndr-\S+ = "jobs\..*?\n)+', script),
        }

    def left_to_do(self) -> str:
        """What the developer still has to write."""
        return self._filled("left_to_do")

    def _filled(self, template: str) -> str:
        values = {
            "command": self.command,
            "module": self.module,
            "name": self.class_name,
            "base": self.base,
            "catalog_base": "" if self.base == "base" else f', "{self.base}"',
        }
        return Template((TEMPLATES / f"{template}.tmpl").read_text()).substitute(values)


_JOB = ("__init__.py", "cli.py", "config.py", "job.py", "README.md")


def _inserted(text: str, before: str, line: str) -> str:
    """The text with the line after the first match of the pattern."""
    found = re.search(before, text, re.S | re.M)
    if not found:
        raise InputError(f"there is no place for {line.strip()}", f"Look for {before!r} in the file that lists stages")
    return text[: found.end()] + line + text[found.end() :]


def add(stage: NewStage, root: Path) -> list[str]:
    """Adds the stage below the root; returns the paths of the files that were written and changed.

    Either all of it is written or nothing.

    Raises:
        InputError: something of the stage is there already.
    """
    created, changed = stage.files(), stage.changes(root)
    for path in created:
        for place in (root / path, (root / path).parent):
            if place.exists():
                raise InputError(f"{place.relative_to(root)} exists already", "Choose another name, or remove it")
    before = {path: (root / path).read_text() for path in changed}
    try:
        _write(root, created | changed)
    except BaseException:
        for path in created:
            (root / path).unlink(missing_ok=True)
        for folder in {(root / path).parent for path in created}:
            if folder.exists():
                folder.rmdir()
        _write(root, before)
        raise
    return [*created, *changed]


def _write(root: Path, texts: Mapping[str, str]) -> None:
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
