"""The credential of a local AWS: a random access key for each home folder, which every request must be signed with."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import string
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from common.errors import NdrError

FILE_NAME = "credential.json"
_KEY_ID_LETTERS = string.ascii_uppercase + string.digits


class CredentialError(NdrError):
    """The credential of a home folder is missing or cannot be read."""


@dataclass(frozen=True)
class Credential:
    """An access key: its id, and the secret that requests are signed with."""

    key_id: str
    secret: str = field(repr=False)

    @classmethod
    def find(cls, home: Path) -> Credential | None:
        """The credential of a home folder; None if it has none.

        Raises:
            CredentialError: the file is not a credential.
        """
        path = home / FILE_NAME
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return cls(str(found["key_id"]), str(found["secret"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            # the error's text may hold what the file holds
            raise CredentialError(
                f"the credential {path} cannot be read: {type(error).__name__}",
                "Remove it, and start the local AWS again",
            ) from None

    @classmethod
    def of(cls, home: Path) -> Credential:
        """The credential of a home folder.

        Raises:
            CredentialError: it has none, or it cannot be read.
        """
        found = cls.find(home)
        if found is None:
            raise CredentialError(
                f"{home} has no credential of a local AWS",
                f"Make one with ndr-local up --home {home}, after ndr-local down if an earlier release runs there",
            )
        return found

    @classmethod
    def make(cls, home: Path) -> Credential:
        """The credential of a home folder, a new one if it has none; only the user can read the file."""
        key_id = "LOCAL" + "".join(secrets.choice(_KEY_ID_LETTERS) for _ in range(15))
        made = json.dumps({"key_id": key_id, "secret": secrets.token_urlsafe(30)})
        handle, name = tempfile.mkstemp(dir=home, prefix=f".{FILE_NAME}-")  # mkstemp makes files of mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(made)
            with contextlib.suppress(FileExistsError):
                os.link(name, home / FILE_NAME)
        finally:
            Path(name).unlink()
        return cls.of(home)
