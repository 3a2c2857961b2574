"""What a run has done so far, in a file, so that one that was ended goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Progress:
    """The results of one commit's trials, each under a part and a number; those of another commit do not count."""

    path: Path
    commit: str
    _done: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    found = json.loads(line)
                except ValueError:
                    continue  # the last line of a run that was killed
                if found["commit"] == self.commit:
                    self._done[found["part"], found["number"]] = found

    def missing(self, part: str, count: int) -> Iterator[int]:
        """The numbers of the part's trials that are still to do."""
        return (number for number in range(count) if (part, number) not in self._done)

    def record(self, part: str, number: int, result: Any) -> None:
        """Notes the result of a trial, a dataclass."""
        entry = {"commit": self.commit, "part": part, "number": number, **asdict(result)}
        self._done[part, number] = entry
        with self.path.open("a", encoding="utf-8") as stream:
            print(json.dumps(entry), file=stream)

    def results(self, part: str) -> list[dict[str, Any]]:
        """The results of the part, in the order of their numbers."""
        return [self._done[key] for key in sorted(self._done) if key[0] == part]
