"""What a signature of a release says, and that nothing else is accepted in its place."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common.errors import DeploymentError, InputError
from statemachines.deploy import provenance
from statemachines.deploy.code import Code, read_code
from statemachines.deploy.signatures import Signatures, checkout_tag, sign_release
from tests.statemachines.deploy.keys import key_pair

TAG = "0123456789ab"
CODE: Code = {"GlueWheel": ("ingestion/1/ndr.whl", b"wheel"), "GlueScript": ("ingestion/1/ndr.py", b"script")}
IMAGE, DIGEST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/ndr-delta:1", "sha256:" + "ab" * 32
Envelope = dict[str, Any]


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    return key_pair(tmp_path, Ed25519PrivateKey.generate())


@pytest.fixture
def signed(tmp_path: Path, keys: tuple[Path, Path]) -> Path:
    path = tmp_path / provenance.FILE
    path.write_bytes(provenance.sign(CODE, {IMAGE: DIGEST}, TAG, keys[0]))
    return path


def payload_of(envelope: Envelope) -> Any:
    return json.loads(base64.b64decode(envelope["payload"]))


def test_what_was_signed_is_accepted(signed: Path, keys: tuple[Path, Path]) -> None:
    found = provenance.read(signed, keys[1])
    assert found.tag == TAG
    assert set(found.subjects) == {"ndr.whl", "ndr.py", IMAGE}
    provenance.check_code(found, CODE)
    provenance.check_images(found, {IMAGE: DIGEST})
    statement = payload_of(json.loads(signed.read_text()))
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert statement["predicate"]["buildDefinition"]["externalParameters"]["commit"] == TAG


def test_other_kinds_of_keys_sign_as_well(tmp_path: Path) -> None:
    private, public = key_pair(tmp_path, generate_private_key(SECP256R1()))
    (tmp_path / "s").write_bytes(provenance.sign(CODE, {}, TAG, private))
    assert provenance.read(tmp_path / "s", public).tag == TAG


@pytest.mark.parametrize("name", sorted(CODE))
def test_a_byte_that_was_altered_is_noticed(signed: Path, keys: tuple[Path, Path], name: str) -> None:
    found = provenance.read(signed, keys[1])
    key, content = CODE[name]
    altered = bytes([content[0] ^ 1]) + content[1:]
    with pytest.raises(DeploymentError, match=f"{Path(key).name} is not what was signed; nothing was changed"):
        provenance.check_code(found, {**CODE, name: (key, altered)})
    with pytest.raises(DeploymentError, match=r"other\.py is not signed"):
        provenance.check_code(found, {**CODE, name: ("ingestion/1/other.py", content)})


def test_another_image_of_the_same_name_is_refused(signed: Path, keys: tuple[Path, Path]) -> None:
    found = provenance.read(signed, keys[1])
    with pytest.raises(DeploymentError, match="is not what was signed"):
        provenance.check_images(found, {IMAGE: "sha256:" + "cd" * 32})
    with pytest.raises(DeploymentError, match="ndr-delta:2 is not signed"):
        provenance.check_images(found, {IMAGE.replace(":1", ":2"): DIGEST})


def test_the_signature_of_another_key_is_refused(signed: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    _, other = key_pair(tmp_path / "other", Ed25519PrivateKey.generate())
    with pytest.raises(DeploymentError, match=f"{signed} is not signed with the key of {other}, or was altered"):
        provenance.read(signed, other)


def without_signature(envelope: Envelope) -> Envelope:
    return {**envelope, "signatures": []}


def with_another_commit(envelope: Envelope) -> Envelope:
    statement = payload_of(envelope)
    statement["predicate"]["buildDefinition"]["externalParameters"]["commit"] = "fedcba987654"
    return {**envelope, "payload": base64.b64encode(json.dumps(statement).encode()).decode()}


def as_another_type(envelope: Envelope) -> Envelope:
    return {**envelope, "payloadType": "text/plain"}


def with_another_signature(envelope: Envelope) -> Envelope:
    signature = bytearray(base64.b64decode(envelope["signatures"][0]["sig"]))
    signature[0] ^= 1
    changed = {**envelope["signatures"][0], "sig": base64.b64encode(signature).decode()}
    return {**envelope, "signatures": [changed]}


@pytest.mark.parametrize(
    "alter",
    [without_signature, with_another_commit, as_another_type, with_another_signature],
    ids=lambda of: of.__name__,
)
def test_an_envelope_that_was_altered_is_refused(
    signed: Path, keys: tuple[Path, Path], alter: Callable[[Envelope], Envelope]
) -> None:
    signed.write_text(json.dumps(alter(json.loads(signed.read_text()))))
    with pytest.raises(DeploymentError, match="is not signed with the key of"):
        provenance.read(signed, keys[1])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"payload": "?", "payloadType": "x", "signatures": []}',
        b'{"payload": "e30=", "payloadType": "x", "signatures": [1]}',
        b'{"payload": "e30=", "payloadType": 1, "signatures": [{"keyid": "a", "sig": "YQ=="}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_envelope_is_refused(signed: Path, keys: tuple[Path, Path], content: bytes) -> None:
    signed.write_bytes(content)
    with pytest.raises(DeploymentError):
        provenance.read(signed, keys[1])


@pytest.mark.parametrize("statement", [{}, [], None, {"_type": "a", "predicateType": "b"}])
def test_a_signed_text_that_is_no_provenance_is_refused(
    signed: Path, keys: tuple[Path, Path], statement: object
) -> None:
    from securesystemslib.dsse import Envelope as Dsse
    from securesystemslib.signer import CryptoSigner

    envelope = Dsse(json.dumps(statement).encode(), provenance.PAYLOAD, {})
    envelope.sign(CryptoSigner(provenance._private_key(keys[0])))
    signed.write_text(json.dumps(envelope.to_dict()))
    with pytest.raises(DeploymentError, match="is no signed provenance"):
        provenance.read(signed, keys[1])


def test_a_release_without_signature_is_refused(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    with pytest.raises(DeploymentError, match=f"the release is not signed: {tmp_path}/{provenance.FILE} is missing"):
        Signatures.of(tmp_path, keys[1])
    with pytest.raises(DeploymentError, match="the environment takes signed releases only"):
        Signatures.of(None, keys[1])
    with pytest.raises(DeploymentError, match="has 0 wheels, not one"):
        Signatures.of(tmp_path, None)
    assert Signatures.of(None, None) == Signatures(checkout_tag(), None, None)


def test_a_file_that_holds_no_key_is_refused(signed: Path, keys: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match=r"holds no public key: .*openssl genpkey"):
        provenance.read(signed, signed)
    with pytest.raises(InputError, match="holds no private key"):
        provenance.sign(CODE, {}, TAG, keys[1])


@pytest.mark.slow
def test_the_wheel_of_a_commit_is_signed(keys: tuple[Path, Path], tmp_path: Path) -> None:
    names = sign_release(keys[0], tmp_path / "out", TAG)
    assert "ndr_ndjson_to_parquet.py" in names
    found = Signatures.of(tmp_path / "out", keys[1])
    assert found.tag == TAG
    found.check_code(read_code(found.wheel))
    again = sign_release(keys[0], tmp_path / "out", TAG)
    assert again == names


def test_what_is_no_commit_is_not_signed(keys: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=f"{TAG}-dirty is no commit"):
        sign_release(keys[0], tmp_path / "out", f"{TAG}-dirty")
