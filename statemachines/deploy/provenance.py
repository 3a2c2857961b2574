"""Signed provenance of a release: an in-toto statement with what it consists of and where that is from, in a DSSE.

The files and images are its subjects; the predicate is SLSA's. A statement is signed with a private key that is given,
and accepted if the public key of the environment verifies it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from common import __version__
from common.errors import DeploymentError, InputError, one_line
from common.windows import iso_seconds
from statemachines.deploy.code import Code

FILE = "provenance.intoto.json"
PAYLOAD = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD = "https://github.com/ndr-paloalto/build/v1"
REMEDY = "Sign the release with ndr-statemachines sign, and deploy it with --signed"
ALGORITHM = "sha256"


@dataclass(frozen=True)
class Provenance:
    """What a signed statement says.

    Attributes:
        tag: the commit that the release is from.
        signed_by: the id of the key.
        subjects: the SHA-256 of each file and image, by its name.
    """

    tag: str
    signed_by: str
    subjects: Mapping[str, str]


def sign(code: Code, images: Mapping[str, str], tag: str, key: Path) -> bytes:
    """A statement about code and images, with the digest of each image by its name, signed with the private key.

    Raises:
        InputError: the file is no private key.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    subjects = {Path(name).name: sha256(content).hexdigest() for name, content in code.values()}
    subjects |= {image: digest.removeprefix(f"{ALGORITHM}:") for image, digest in images.items()}
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {ALGORITHM: digest}} for name, digest in sorted(subjects.items())],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD,
                "externalParameters": {"commit": tag, "version": __version__},
                "resolvedDependencies": [{"uri": "git+.", "digest": {"gitCommit": tag}}],
            },
            "runDetails": {
                "builder": {"id": BUILD},
                "metadata": {"finishedOn": iso_seconds(datetime.now(UTC))},
            },
        },
    }
    envelope = Envelope(json.dumps(statement, sort_keys=True).encode(), PAYLOAD, {})
    envelope.sign(CryptoSigner(_private_key(key)))
    return json.dumps(envelope.to_dict(), indent=1).encode() + b"\n"


def read(path: Path, trusted: Path) -> Provenance:
    """What the statement in the file says, which the trusted public key verifies.

    Raises:
        InputError: the file of the key holds none.
        DeploymentError: there is no such statement, or another key signed it, or it was altered.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError, VerificationError
    from securesystemslib.signer import SSlibKey

    key = SSlibKey.from_crypto(_public_key(trusted))
    try:
        envelope = Envelope.from_dict(json.loads(path.read_bytes()))
        envelope.verify([key], 1)
        if envelope.payload_type != PAYLOAD:
            raise ValueError(f"its payload is {envelope.payload_type}")
        return _provenance(json.loads(envelope.payload), key.keyid)
    except FileNotFoundError:
        raise DeploymentError(f"the release is not signed: {path} is missing", REMEDY) from None
    except VerificationError:
        raise DeploymentError(f"{path} is not signed with the key of {trusted}, or was altered since", REMEDY) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, FormatError, RecursionError) as error:
        raise DeploymentError(f"{path} is no signed provenance: {one_line(error)}", REMEDY) from None


def check_code(provenance: Provenance, code: Code) -> None:
    """Refuses code that the statement does not name, or that was altered.

    Raises:
        DeploymentError: a file is not what was signed.
    """
    for name, content in code.values():
        _check(provenance, Path(name).name, sha256(content).hexdigest())


def check_images(provenance: Provenance, images: Mapping[str, str]) -> None:
    """Refuses images, with the digest of each by its name, that the statement does not name.

    Raises:
        DeploymentError: an image is not the one that was signed.
    """
    for image, digest in images.items():
        _check(provenance, image, digest.removeprefix(f"{ALGORITHM}:"))


def _check(provenance: Provenance, name: str, digest: str) -> None:
    signed = provenance.subjects.get(name)
    if signed != digest:
        why = "is not signed" if signed is None else "is not what was signed"
        raise DeploymentError(f"{name} {why}; nothing was changed", REMEDY)


def _provenance(statement: Any, signed_by: str) -> Provenance:
    if (statement["_type"], statement["predicateType"]) != (STATEMENT, PREDICATE):
        raise ValueError(f"it is {statement['_type']} about {statement['predicateType']}")
    subjects = {str(one["name"]): str(one["digest"][ALGORITHM]) for one in statement["subject"]}
    tag = str(statement["predicate"]["buildDefinition"]["externalParameters"]["commit"])
    return Provenance(tag, signed_by, subjects)


def _private_key(path: Path) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return _key(path, lambda content: load_pem_private_key(content, None), "private")


def _public_key(path: Path) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return _key(path, load_pem_public_key, "public")


def _key(path: Path, load: Any, kind: str) -> Any:
    try:
        return load(path.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} holds no {kind} key: {one_line(error)}",
            "Give one in PEM without a password, as of openssl genpkey -algorithm ed25519",
        ) from None
