"""Whether everything that a specification names is computed, and everything that is computed is named."""

from __future__ import annotations

from collections.abc import Iterable

from common.errors import SpecError
from common.features.entries import listed
from common.features.spec import FeatureSpec


def check_computed(
    spec: FeatureSpec, section: str, declared: Iterable[str], computed: Iterable[str], code: str
) -> None:
    """Checks that a section of the specification and the names in the code are the same.

    Args:
        spec: the specification.
        section: the section of its file, for the message.
        declared: the names in the section that code computes.
        computed: the names that the code computes.
        code: where it does so, for the message.

    Raises:
        SpecError: a name is missing on either side; the message says which, and where to add what.
    """
    rows, lines = list(declared), list(computed)
    file = f"common/features/{spec.version}.yaml"
    if missing := [name for name in rows if name not in lines]:
        raise SpecError(
            f"{file}, {section}: nothing computes {listed(missing)}",
            f"Add its computation to {code}, or remove the row",
        )
    if unnamed := [name for name in lines if name not in rows]:
        raise SpecError(
            f"{code} computes {listed(unnamed)}, which {file} does not have",
            f"Add a row to {section}, or remove the computation",
        )
