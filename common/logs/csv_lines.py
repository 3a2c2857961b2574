"""The columns of one CSV line."""

from __future__ import annotations

import re

_QUOTED = re.compile(r'"((?:[^"]|"")*)"?([^,]*)(,|$)')
_ESCAPED_QUOTED = re.compile(r'"((?:[^"\\]|\\.|"")*)"?([^,]*)(,|$)')
_PLAIN = re.compile(r'((?:[^,]|,(?!"))*)(,|$)')
_ESCAPED_PLAIN = re.compile(r"((?:[^,\\]|\\.)*)\\?(,|$)")
_ESCAPE = re.compile(r'\\([\\",])')


def split_columns(text: str, escapes: bool = False) -> list[str]:
    r"""The columns of a CSV line; with `escapes`, a backslash escapes a quote, a comma or a backslash."""
    if not escapes and '"' not in text:
        return text.split(",")
    plain, quoted = (_ESCAPED_PLAIN, _ESCAPED_QUOTED) if escapes else (_PLAIN, _QUOTED)
    columns, position, more = [], 0, True
    while more:
        is_quoted = text.startswith('"', position)
        match = (quoted if is_quoted else plain).match(text, position)
        if match is None:
            columns.append(text[position:])
            break
        value = match[1].replace('""', '"') + match[2] if is_quoted else match[1]
        if escapes:
            columns.append(_ESCAPE.sub(r"\1", value))
        else:
            columns.extend([value] if is_quoted else value.split(","))
        position, more = match.end(), match[match.lastindex or 0] == ","
    return columns
