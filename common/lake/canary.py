"""The last result of ndr-canary: a small file at the root of the lake, beside its tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from common.display import counted
from common.storage.files import Folder
from common.windows import parse_moment

FILE = "_canary.json"


@dataclass(frozen=True)
class CanaryResult:
    """What became of the attacks: when, in which window, by which model, and a mapping for each of them.

    An attack passed if it was among the `top` hosts of the window.
    """

    ran: str
    window: str
    model_id: str
    top: int
    attacks: tuple[Mapping[str, Any], ...]

    @property
    def missed(self) -> list[Mapping[str, Any]]:
        """The attacks that did not come to the top."""
        return [attack for attack in self.attacks if not attack["passed"]]

    def sentence(self, now: datetime) -> str:
        """The result in a few words, with its age: `passed 3 of 3, 2 days ago`."""
        age = f"{counted((now - parse_moment(self.ran)).days, 'day')} ago"
        found = len(self.attacks) - len(self.missed)
        if not self.missed:
            return f"passed {found} of {len(self.attacks)}, {age}"
        names = ", ".join(str(attack["attack"]) for attack in self.missed)
        return f"failed, found {found} of {len(self.attacks)}, {age}; missed: {names}"


def write_result(lake_uri: str, result: CanaryResult) -> None:
    """Replaces the result of the lake.

    Raises:
        StorageError: it cannot be written.
    """
    Folder(lake_uri).write(FILE, (json.dumps(asdict(result), indent=1) + "\n").encode())


def read_result(lake_uri: str) -> CanaryResult | None:
    """The last result; None if the canary never ran, or if the file is damaged.

    Raises:
        StorageError: it cannot be read.
    """
    folder = Folder(lake_uri)
    if not folder.exists(FILE):
        return None
    try:
        raw = json.loads(folder.read(FILE))
        result = CanaryResult(**raw | {"attacks": tuple(raw["attacks"])})
        result.sentence(datetime.now(UTC))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return result


def canary_line(lake_uri: str, now: datetime) -> str:
    """How the canary stands: `canary: passed 3 of 3, 2 days ago`, `canary: never run`."""
    result = read_result(lake_uri)
    return f"canary: {result.sentence(now) if result else 'never run'}"
