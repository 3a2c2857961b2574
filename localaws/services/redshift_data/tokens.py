"""A parser for the statements that sqlglot does not parse: UNLOAD and COPY."""

from __future__ import annotations

from typing import Any

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

from localaws.services.redshift_data.errors import StatementError, unsupported

_STRINGS = (TokenType.STRING, TokenType.HEREDOC_STRING)


def first_word(sql: str) -> str:
    """The first word of a statement, in upper case."""
    words = sql.split(None, 1)
    return words[0].upper() if words else ""


class Tokens:
    """The tokens of a statement after its first word."""

    def __init__(self, sql: str) -> None:
        try:
            tokens = sqlglot.tokenize(sql.strip().rstrip(";").split(None, 1)[1], read="redshift")
        except (SqlglotError, IndexError) as error:
            raise StatementError(f"syntax error in {sql[:80]}") from error
        self._tokens: list[Any] = list(tokens)

    @property
    def more(self) -> bool:
        """Whether tokens are left."""
        return bool(self._tokens)

    def take(self) -> Any:
        """The next token."""
        if not self._tokens:
            raise StatementError("syntax error at end of input")
        return self._tokens.pop(0)

    def accept(self, *words: str) -> bool:
        """Takes these words if they come next; returns whether they did."""
        ahead = [token.text.upper() for token in self._tokens]
        flat = " ".join(ahead).split()[: len(words)]
        if flat != list(words):
            return False
        taken = 0
        while taken < len(words):
            taken += len(self._tokens.pop(0).text.split())
        return True

    def expect(self, *words: str) -> None:
        """Takes these words; raises StatementError if they do not come next."""
        if not self.accept(*words):
            raise StatementError(
                f'syntax error at or near "{self._tokens[0].text if self._tokens else "end of input"}"'
            )

    def string(self) -> str:
        """The next token, which must be a string."""
        token = self.take()
        if token.token_type not in _STRINGS:
            raise StatementError(f'syntax error at or near "{token.text}"')
        return str(token.text)

    def name(self) -> str:
        """A table's name, quoted, with its schema if given."""
        parts = [self._quoted()]
        while self.accept("."):
            parts.append(self._quoted())
        return ".".join(parts)

    def names(self) -> list[str]:
        """A list of names in parentheses."""
        self.expect("(")
        found = [self._quoted()]
        while self.accept(","):
            found.append(self._quoted())
        self.expect(")")
        return found

    def _quoted(self) -> str:
        text = self.take().text.lower().replace('"', '""')
        return f'"{text}"'

    def role(self) -> None:
        """Skips the credentials for S3: their syntax is checked, but the local S3 needs none."""
        if self.accept("IAM_ROLE"):
            if not self.accept("DEFAULT"):
                self.string()
        elif self.accept("CREDENTIALS"):
            self.string()
        else:
            raise StatementError("IAM_ROLE is missing")

    def refuse(self) -> StatementError:
        """The error for the next option."""
        return unsupported(f"the option {self._tokens[0].text.upper()}")
