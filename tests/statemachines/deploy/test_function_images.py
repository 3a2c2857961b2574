"""The images of functions and served models: known by the last push, looked for in ECR, signed with the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common.errors import DeploymentError
from pipelines.deployment import look_up, plans
from pipelines.images import record_push
from statemachines.deploy import provenance, signatures
from statemachines.deploy.function_images import check_functions, function_images, release_of_images
from statemachines.deploy.signatures import Signatures, sign_release
from tests.pipelines.conftest import MANIFEST, REGISTRY, TAG, ecr, environment, moto_server, record, sagemaker
from tests.statemachines.deploy.keys import key_pair

pytestmark = pytest.mark.slow

__all__ = ["ecr", "environment", "moto_server", "record", "sagemaker"]  # fixtures
IMAGES = ("ndr-manifest-builder", "c360-validate", "ndr-serve")
BUILDER, VALIDATE, SERVE = (f"{REGISTRY}/{name}:{TAG}" for name in IMAGES)


def test_functions_run_what_was_pushed_and_without_it_nothing_is_changed(
    ecr: Any, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed: dict[str, dict[str, str]] = {}
    monkeypatch.setattr("statemachines.deploy.function_images.known_parameters", lambda client: deployed)
    check_functions("dev-", ["ndr"], {})  # has no functions
    with pytest.raises(DeploymentError, match="the functions would have no images: none was pushed from here"):
        check_functions("dev-", ["ingestion"], {})
    record_push(REGISTRY, "2.0.0", record)
    assert release_of_images() == {"Release": "2.0.0"}
    with pytest.raises(DeploymentError, match=r"the image \S+/ndr-manifest-builder:2.0.0 does not exist.*make push"):
        check_functions("dev-", ["ingestion"], {})
    record_push(REGISTRY, TAG, record)
    assert function_images("dev-", ["ingestion", "customer-360"], {}) == {BUILDER, VALIDATE}
    check_functions("dev-", ["ingestion", "customer-360"], {})

    # where no push is known, a stack keeps what it has
    record.unlink()
    deployed["dev-ndr-ingestion"] = {"Release": TAG}
    assert release_of_images() == {}
    assert function_images("dev-", ["ingestion"], {}) == {BUILDER}


def test_images_of_functions_and_served_models_are_signed(
    ecr: Any, sagemaker: Any, record: Path, tmp_path: Path, wheel_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_push(REGISTRY, TAG, record)
    private, public = key_pair(tmp_path, Ed25519PrivateKey.generate())
    (wheel,) = wheel_folder.glob("*.whl")
    monkeypatch.setattr(signatures, "build_wheel", lambda folder: wheel)
    names = sign_release(private, tmp_path / "signed", "0123456789ab")
    assert {BUILDER, VALIDATE, SERVE} <= {*names}

    found = Signatures("0123456789ab", None, provenance.read(tmp_path / "signed" / provenance.FILE, public))
    planned = plans(look_up(sagemaker, ["ndr-if-training"]), None, {})
    found.check_images(planned, [BUILDER, VALIDATE])
    for image in (BUILDER, SERVE):
        name = image.rpartition("/")[2].partition(":")[0]
        ecr.batch_delete_image(repositoryName=name, imageIds=[{"imageTag": TAG}])
        other = {"imageManifest": json.dumps(MANIFEST), "imageDigest": f"sha256:{'cd' * 32}"}
        ecr.put_image(repositoryName=name, imageTag=TAG, **other)
        with pytest.raises(DeploymentError, match=f"{name}:{TAG} is not what was signed"):
            found.check_images(planned if image == SERVE else [], [BUILDER] if image == BUILDER else [])
