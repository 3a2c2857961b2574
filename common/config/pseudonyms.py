"""Whether names of users and machines become pseudonyms, and by which key."""

from __future__ import annotations

from typing import Annotated

from common.config.loader import Settings
from common.config.values import matching

SECRET = "secretsmanager://"
KEYS_PLACE = rf"/\S.*|{SECRET}[A-Za-z0-9/_+=.@-]+"
FINGERPRINT = "[1-9][0-9]{0,5}-[0-9a-f]{8}"


class PseudonymParameters(Settings):
    """The key by which names of users and machines become pseudonyms before they enter the lake."""

    keys: Annotated[str, matching(KEYS_PLACE, "an absolute path, or secretsmanager://NAME: where the keys are, no key")]
    """Where the keys are, never a key itself: the absolute path of a file that `ndr-privacy new-key` made, or
    `secretsmanager://NAME` of a secret with the content of such a file."""
    fingerprint: Annotated[str, matching(FINGERPRINT, "what ndr-privacy new-key printed, like 1-0a1b2c3d")]
    """Number and fingerprint of the key that is used, as `ndr-privacy new-key` prints them; a run with another key is
    refused. Other keys of the place only read what they have written."""
