r"""Values from outside on a terminal and in files for spreadsheets, made harmless.

Log fields and file names hold what an attacker wants: escape sequences that rewrite a terminal, marks that reverse the
direction of text, formulas that a spreadsheet runs. The lake keeps values as they are; whoever shows them uses these
functions. JSON without `ensure_ascii=False` is harmless by itself.
"""

from __future__ import annotations

import json
import re
import unicodedata

_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")  # full width too
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")


def on_terminal(text: object) -> str:
    r"""The text on one line: control, format and private characters, surrogates and line ends as `\x9b` or `\u202e`."""
    shown = str(text)
    return shown if shown.isprintable() else "".join(c if _is_shown(c) else _escaped(c) for c in shown)


def lines_on_terminal(text: str) -> str:
    """As `on_terminal`, for text of several lines: line ends and tabs stay."""
    return re.sub(r"[^\n\t]+", lambda part: on_terminal(part[0]), text.replace("\r\n", "\n"))


def in_csv(text: str) -> str:
    """The text as a CSV cell that no spreadsheet takes for a formula: one begins with an apostrophe, numbers do not."""
    shown = on_terminal(text)
    return f"'{shown}" if _FORMULA.match(shown) and not _NUMBER.fullmatch(shown) else shown


def in_json(value: object) -> str:
    """The value as JSON in which letters of all scripts stay readable, and what `on_terminal` escapes is escaped."""
    shown = json.dumps(value, ensure_ascii=False)
    return shown if shown.isprintable() else "".join(c if _is_shown(c) else json.dumps(c)[1:-1] for c in shown)


def counted(number: int, thing: str) -> str:
    """The number of things in words: `1 alert`, `2,000 alerts`."""
    return f"{number:,} {thing}" + "s" * (number != 1)


def _is_shown(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
