"""Keys of pseudonyms: files and secrets that have them, and their fingerprints. No message ever shows a key.

A place of keys is a text with a line for each: its number from 1, a blank, and 64 random bytes as Base64. Lines that
begin with # say something to people.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from common.aws.clients import aws_errors, client
from common.config.pseudonyms import SECRET, PseudonymParameters
from common.errors import AwsError, PseudonymKeyError
from common.privacy.pseudonyms import Pseudonyms
from common.storage.drafts import draft

KEY_BYTES = 64
LABEL = b"fingerprint of a key of pseudonyms"
HEADER = "# keys of pseudonyms: who has them reads all names; keep all of them as long as the lake\n"


def pseudonyms_of(settings: PseudonymParameters) -> Pseudonyms:
    """The pseudonyms by the keys that the settings name.

    Raises:
        PseudonymKeyError: the keys cannot be read, others can read them, or the one that is used is another one.
    """
    keys = read_keys(settings.keys)
    version = int(settings.fingerprint.partition("-")[0])
    if version not in keys:
        held = ", ".join(map(str, sorted(keys)))
        raise PseudonymKeyError(
            f"{settings.keys} has the keys {held}, but the settings use key {version}",
            "Correct pseudonyms.keys or pseudonyms.fingerprint",
        )
    found = fingerprint(version, keys[version])
    if not hmac.compare_digest(found, settings.fingerprint):
        raise PseudonymKeyError(
            f"key {version} of {settings.keys} is another one than the settings use: its fingerprint is {found}, not "
            f"{settings.fingerprint}",
            "Restore the key; with another one, the same people would get other pseudonyms",
        )
    return Pseudonyms(keys, version)


def pseudonyms_at(place: str) -> Pseudonyms:
    """The pseudonyms by the keys of a place, the last of which is used.

    Raises:
        PseudonymKeyError: the keys cannot be read, or others can read them.
    """
    keys = read_keys(place)
    return Pseudonyms(keys, max(keys))


def fingerprint(version: int, key: bytes) -> str:
    """What tells keys apart without telling anything of them."""
    return f"{version}-{hmac.new(key, LABEL, hashlib.sha256).hexdigest()[:8]}"


def read_keys(place: str) -> dict[int, bytes]:
    """The keys of a file or secret by their numbers.

    Raises:
        PseudonymKeyError: it cannot be read, others can read it, or a line is no key.
    """
    return _parsed(_secret(place.removeprefix(SECRET)) if place.startswith(SECRET) else _file(Path(place)), place)


def add_key(path: Path) -> str:
    """Adds a new key to a file, which is made if there is none, for its owner alone; returns the fingerprint.

    The keys that it has stay. A reader sees the file without the key, or with it.

    Raises:
        PseudonymKeyError: the file cannot be read or written, or is none of keys.
    """
    text = _file(path) if path.exists() else HEADER
    keys = _parsed(text, str(path)) if path.exists() else {}
    version, key = max(keys, default=0) + 1, secrets.token_bytes(KEY_BYTES)
    line = f"{version} {base64.b64encode(key).decode()}\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft(path) as made:
            made.chmod(0o600)  # before there is a key in it
            made.write_text(text.rstrip("\n") + "\n" + line, encoding="ascii")
    except OSError as error:
        raise PseudonymKeyError(f"{path} cannot be written: {error.strerror}", "Check the permissions") from None
    return fingerprint(version, key)


def _file(path: Path) -> str:
    """The content of a file that only its owner, or a group, can read."""
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            if mode & stat.S_IRWXO:
                raise PseudonymKeyError(
                    f"{path} has keys of pseudonyms, but all users of this machine can use it (mode {mode:o})",
                    f"chmod 600 {path}; if others may have read it, change the key: docs/privacy.md says how",
                )
            return stream.read().decode("ascii")
    except OSError as error:
        raise PseudonymKeyError(
            f"{path} with the keys of pseudonyms cannot be read: {error.strerror}",
            "Check pseudonyms.keys and the permissions; ndr-privacy new-key makes such a file",
        ) from None
    except UnicodeDecodeError:
        raise _no_keys(str(path)) from None


def _secret(name: str) -> str:
    problem = f"the secret {name} with the keys of pseudonyms cannot be read"
    try:
        with aws_errors(
            problem, "Check pseudonyms.keys; a role of the steps may read secrets whose name begins with ndr/"
        ):
            return str(client("secretsmanager").get_secret_value(SecretId=name).get("SecretString", ""))
    except AwsError as error:
        raise PseudonymKeyError(error.problem, error.remedy) from None


def _parsed(text: str, place: str) -> dict[int, bytes]:
    keys: dict[int, bytes] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            continue
        number, _, encoded = line.partition(" ")
        try:
            key = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            raise _no_keys(place) from None
        if not (number.isascii() and number.isdecimal()) or int(number) in keys or len(key) != KEY_BYTES:
            raise _no_keys(place)
        keys[int(number)] = key
    if not keys:
        raise _no_keys(place)
    return keys


def _no_keys(place: str) -> PseudonymKeyError:
    return PseudonymKeyError(
        f"{place} has something else than keys of pseudonyms",
        "Each line is a number from 1, once, and 64 bytes as Base64; ndr-privacy new-key makes such a file",
    )
