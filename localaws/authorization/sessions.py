"""The credentials of processes: each works with the role of its step, job, task, function or endpoint."""

from __future__ import annotations

import secrets
import string
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ministack.core.responses import get_account_id
from ministack.services import sts

from localaws.authorization.policies import check_assumable, session_arn, user_id
from localaws.credential import Credential

_LETTERS = string.ascii_uppercase + string.digits
_SECONDS = 10 * 365 * 86400
"""A process's credentials end with it: AWS's services renew those of what they run."""


@dataclass(frozen=True)
class Session:
    """Credentials of a role, with the token that their requests carry."""

    role: str
    name: str
    credential: Credential
    token: str

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """The variables of a process, by which AWS tools and SDKs work with the role."""
        return {
            **given,
            "AWS_ACCESS_KEY_ID": self.credential.key_id,
            "AWS_SECRET_ACCESS_KEY": self.credential.secret,
            "AWS_SESSION_TOKEN": self.token,
        }


class Sessions:
    """The credentials of all processes that run; without `enforced`, processes have the credential of the user."""

    def __init__(self, enforced: bool) -> None:
        self.enforced = enforced
        self._found: dict[str, Session] = {}
        self._lock = threading.Lock()

    def check(self, role: str, service: str) -> None:
        """Refuses a role that a service cannot assume; raises ProgramError."""
        if self.enforced:
            check_assumable(role, service)

    def open(self, role: str, name: str) -> Session:
        """New credentials of a role, known to ministack too."""
        key_id = "ASIA" + "".join(secrets.choice(_LETTERS) for _ in range(16))
        made = Session(role, name, Credential(key_id, secrets.token_urlsafe(30)), secrets.token_urlsafe(96))
        account = get_account_id()
        record = {
            "Arn": session_arn(role, name),
            "UserId": user_id(role, name),
            "SecretAccessKey": made.credential.secret,
            "SessionToken": made.token,
            "Expiration": time.time() + _SECONDS,
            "AccountId": account,
            "PrincipalType": "AssumedRole",
        }
        with self._lock:
            sts.register_session(key_id, record)
            self._found[key_id] = made
        return made

    @contextmanager
    def starting(self, role: str, name: str) -> Iterator[Session | None]:
        """New credentials for a process that starts; they end if it does not. None where roles are not enforced."""
        made = self.open(role, name) if self.enforced else None
        try:
            yield made
        except BaseException:
            if made:
                self.close(made)
            raise

    def close(self, session: Session) -> None:
        """Ends credentials: nothing is answered to them any more."""
        with self._lock:
            self._found.pop(session.credential.key_id, None)
            sts._sessions.pop(session.credential.key_id, None)

    def of(self, key_id: str) -> Session | None:
        """The credentials with this access key, of a process or of who assumed a role; None if there are none now."""
        return self._found.get(key_id) or self._assumed(key_id)

    def _assumed(self, key_id: str) -> Session | None:
        """What STS has given to who assumed a role, while it lasts; None where roles are not enforced."""
        record = sts._sessions.get(key_id) if self.enforced else None
        if record is None or record.get("PrincipalType") != "AssumedRole" or record["Expiration"] <= time.time():
            return None
        role, _, name = str(record["Arn"]).partition(":assumed-role/")[2].partition("/")
        return Session(role, name, Credential(key_id, record["SecretAccessKey"]), record["SessionToken"])
