"""Names of people and machines, and whether two of them are the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

UNC, AT = "\\", "@"


def folded(name: str) -> str:
    """The name without what does not tell names apart: case, surrounding blanks, and forms of the same characters."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def person_of(name: str) -> str:
    r"""The name under which a person is known: `user@domain`, in lower case.

    `ACME\Alice`, `acme\alice` and `Alice@acme.example` are the same person; of the domain, what comes before the first
    dot counts. `alice` without a domain is another one.
    """
    text = folded(name)
    domain, sign, user = text.rpartition(UNC)
    if not sign:
        user, _, domain = text.rpartition(AT)
    return f"{user}{AT}{domain.partition('.')[0]}" if user and domain else text


def quoting(names: Iterable[str]) -> re.Pattern[str]:
    r"""What finds one of the names, as a whole word and in any of its forms, in a text.

    The backslash of `DOMAIN\user` may be doubled, as JSON has it.
    """
    forms = []
    for name in names:
        user, sign, domain = person_of(name).rpartition(AT)
        if sign:
            of_user, of_domain = re.escape(user), re.escape(domain)
            forms.append(rf"{of_domain}(?:[.][\w.-]*)?\\{{1,2}}{of_user}|{of_user}@{of_domain}(?:[.][\w-]+)*")
        forms.append(re.escape(name.strip()))
    return re.compile(rf"(?<![\w.@\\-])(?:{'|'.join(forms)})(?![\w@-])", re.IGNORECASE)
