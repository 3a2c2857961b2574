"""The parameters of the detector are all of its constants."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import common.detection
from common.detection.parameters import DetectorParameters, current_parameters, differences
from common.errors import ParameterError

ROOT = Path(next(iter(common.detection.__path__)))
# numbers that no score depends on: bounds of memory and of sizes, formats, units of time, and what is shown or named
ALLOWED = {
    "input_matrix.py": {"ROWS_AT_ONCE"},
    "checked.py": {"MOST"},
    "preprocessing.py": {"SCALE_LEAST"},
    "members/forest.py": {"ROWS_AT_ONCE"},
    "members/trees.py": {"ROWS_IN_CACHE", "EULER_GAMMA"},
    "pairs/common_maxima.py": {"WINDOW_BITS", "LEADERS_LEAST", "LEADERS_READ"},
    "pairs/contacts.py": {"IPV4_HOST_BITS", "LATE"},
    "pairs/first_seen.py": {"CONTACTS_AT_ONCE"},
    "pairs/group_codes.py": {"SERVICE_BITS"},
    "pairs/owners.py": {"NUMBERS_END", "NAME_MOST"},
    "pairs/pair_keys.py": {"ROLES", "SERVICES", "KEYS_MOST"},
    "pairs/reading.py": {"SLICES_AT_ONCE"},
    "pairs/words.py": {"_FACTOR", "_MASK"},
    "pairs/explain.py": {"PEERS_SHOWN", "SHOWN_SHARE", "LOG10_SHOWN"},
    "drift/reference.py": {"HOURS", "BANDS"},
    "drift/monitor.py": {"NAMED_MOST"},
    "registry/formats.py": {"FORMAT_VERSION", "MIGRATED_FORMATS"},
    "registry/decisions.py": {"ID_DIGITS"},
    "registry/pointer.py": {"JSON_MOST", "SHORT", "CUT_OFF"},
    "registry/promotion.py": {"KEPT", "ATTEMPTS"},
    "registry/tensors.py": {"LENGTH", "HEADER_MOST", "DIMENSIONS_MOST", "TEXT_MOST"},
}


def numeric_constants(source: str) -> set[str]:
    """The names that a module assigns numbers to, alone or in tuples and arithmetic, outside functions and classes."""
    found: set[str] = set()
    for node in ast.parse(source).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if value is None or isinstance(value, ast.List | ast.Dict):
            continue
        numbers = [
            part
            for part in ast.walk(value)
            if isinstance(part, ast.Constant)
            and isinstance(part.value, int | float)
            and not isinstance(part.value, bool)
        ]
        computed = isinstance(value, ast.BinOp) or (isinstance(value, ast.Call) and ast.unparse(value.func) == "float")
        if numbers or computed:
            found |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


def test_numeric_constants_are_seen() -> None:
    source = "A = 1\nB: float = 0.5\nC, D = 2, 3\nE = (5, 28)\nF = 2 * A\nG = float(x)\nH = 'a'\nI = ('a',)\nJ = True\n"
    assert numeric_constants(source) == set("ABCDEFG")


def test_no_constant_that_decides_a_score_stands_outside_the_parameters() -> None:
    """Alerts are left out: they read finished predictions, and have no model to compare with."""
    found = {
        str(path.relative_to(ROOT)): numeric_constants(path.read_text())
        for path in sorted(ROOT.rglob("*.py"))
        if "alerts" not in path.parts
    }
    assert {name: constants for name, constants in found.items() if constants} == ALLOWED


def test_parameters_survive_being_saved() -> None:
    assert DetectorParameters.from_dict(current_parameters().to_dict()) == current_parameters()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 1.5}, "detector parameter version is 1.5"),
        ({"weights": {"forest": 0.25}}, "detector parameters weights are"),
        ({"extra": 1}, "detector parameters at the top are"),
    ],
)
def test_wrong_parameters_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        DetectorParameters.from_dict(current_parameters().to_dict() | change)


def test_differences_name_section_and_values() -> None:
    current = current_parameters()
    other = replace(current, pairs=replace(current.pairs, quorum_hosts=7))
    assert list(differences(other.to_dict(), current.to_dict())) == [("pairs.quorum_hosts", 7, 5)]
    assert list(differences(current.to_dict(), current.to_dict())) == []
