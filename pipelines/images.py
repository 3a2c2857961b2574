"""The images that pipelines run: registry and tag, where these are from, and whether AWS can pull the images."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from common.aws.caller import identity
from common.aws.clients import aws_errors, client
from common.errors import DeploymentError, one_line
from common.runtime.output import message
from pipelines.definitions import ROOT, Definition

REGISTRY, TAG = PARAMETERS = ("ImageRegistry", "ImageTag")
PUSHED = ROOT / "build" / "push.json"
LOCAL_ACCOUNT = "000000000000"
LOCAL_IMAGES = {REGISTRY: "docker.io/library", TAG: "latest"}
"""What Docker calls images that were built and never pushed."""

_IN_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<repository>[a-z0-9][a-z0-9._/-]+):(?P<tag>\w[\w.-]{0,127})",
    re.ASCII,
)
ABSENT = ("RepositoryNotFoundException", "ImageNotFoundException")
"""The errors by which ECR says that there is no such image."""
PUSH = (
    f"Push images with make push, or give --default {REGISTRY}=<account>.dkr.ecr.<region>.amazonaws.com "
    f"and --default {TAG}=<tag>"
)


class Value(NamedTuple):
    """The value of `ImageRegistry` or `ImageTag`, and where it is from."""

    value: str
    source: str


Images = Mapping[str, Value]


def record_push(registry: str, tag: str, path: Path = PUSHED) -> None:
    """Keeps what was pushed, for `last_push`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({REGISTRY: registry, TAG: tag}) + "\n")


def last_push(path: Path | None = None) -> dict[str, str]:
    """Registry and tag of the last push from this checkout; nothing where none is known."""
    path = path or PUSHED
    try:
        pushed: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise DeploymentError(f"{path} is not JSON: {error}", "Remove it, or repeat make push") from None
    return pushed


def is_local(sagemaker: Any) -> bool:
    """Whether the client leads to the local AWS, where steps run as commands, or with the images of this machine."""
    if ".amazonaws.com" in sagemaker.meta.endpoint_url:
        return False
    return identity().account == LOCAL_ACCOUNT


def choose(given: Mapping[str, str], deployed: Any, local: bool) -> Images:
    """Registry and tag of a pipeline's images, as far as they are known.

    They are what was given, else those of the last push, else those of the deployed definition. The local AWS has
    nothing of a push, and images of this machine where nothing is deployed.
    """
    ascending = {
        "local images": LOCAL_IMAGES if local else {},
        "deployed": defaults_of(deployed) if isinstance(deployed, dict) else {},
        "last push": {} if local else last_push(),
        "given": given,
    }
    found: dict[str, Value] = {}
    for source, values in ascending.items():
        found |= {name: Value(values[name], source) for name in PARAMETERS if name in values}
    return found


def defaults_of(definition: Definition) -> dict[str, Any]:
    """The defaults of the definition's parameters by name."""
    declared = definition.get("Parameters", [])
    return {entry["Name"]: entry["DefaultValue"] for entry in declared if "DefaultValue" in entry}


def summary(images: Mapping[str, Images]) -> list[str]:
    """A line for each registry and tag, with where they are from and, if there are several, their pipelines."""
    users: dict[str, list[str]] = {}
    for pipeline, found in images.items():
        if len(found) == len(PARAMETERS):
            registry, tag = (found[name] for name in PARAMETERS)
            of_registry = "" if registry.source == tag.source else f" ({registry.source})"
            line = f"images: {registry.value}{of_registry}, tag {tag.value} ({tag.source})"
            users.setdefault(line, []).append(pipeline)
    return [line if len(users) == 1 else f"{line}: {', '.join(names)}" for line, names in users.items()]


def uris(definition: Definition) -> set[str]:
    """The images of the definition's steps, with the defaults of its parameters."""
    values = defaults_of(definition)

    def text(part: str | dict[str, str]) -> str:
        return part if isinstance(part, str) else values[part["Get"].removeprefix("Parameters.")]

    named = [step["Arguments"]["AppSpecification"]["ImageUri"]["Std:Join"]["Values"] for step in definition["Steps"]]
    return {"".join(map(text, parts)) for parts in named}


def check_known(name: str, images: Images) -> None:
    """Raises an error where the registry or the tag of a pipeline's images is not known."""
    if missing := [parameter for parameter in PARAMETERS if parameter not in images]:
        problem = (
            f"pipeline {name} would have no {' and no '.join(missing)}: none was pushed from here, deployed or given"
        )
        raise DeploymentError(problem, PUSH)


def check_pullable(images: Iterable[str]) -> None:
    """Raises an error where AWS cannot pull an image: it is not in ECR, as far as ECR answers."""
    for image in sorted(images):
        place = _IN_ECR.fullmatch(image)
        if place is None:
            raise DeploymentError(f"AWS cannot pull the image {image}, which is not in ECR", PUSH)
        try:
            _described(place)
        except (BotoCoreError, ClientError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
            if code in ABSENT:
                raise DeploymentError(f"the image {image} does not exist: {code}", PUSH) from error
            message(f"whether {image} exists is not known, because ECR did not say: {one_line(error)}", "warning")
            return


def digest_of(image: str) -> str | None:
    """The digest, as `sha256:…`, of an image in ECR; None where it is not in ECR, or not there any more.

    Raises:
        AwsError: ECR does not say.
    """
    place = _IN_ECR.fullmatch(image)
    if place is None:
        return None
    with aws_errors(f"the digest of the image {image} is not known"):
        try:
            return str(_described(place)["imageDetails"][0]["imageDigest"])
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return None
            raise


def remove_image(image: str) -> None:
    """Removes an image from ECR; it may be gone already.

    Raises:
        AwsError: it cannot be removed.
    """
    place = _IN_ECR.fullmatch(image)
    if place is not None:
        with aws_errors(f"the image {image} cannot be removed"):
            try:
                client("ecr", place["region"]).batch_delete_image(**_asked(place))
            except ClientError as error:
                if error.response["Error"]["Code"] not in ABSENT:
                    raise


def _described(place: re.Match[str]) -> Any:
    """What ECR says of an image."""
    return client("ecr", place["region"]).describe_images(**_asked(place))


def _asked(place: re.Match[str]) -> dict[str, Any]:
    """The members of a call to ECR that name an image."""
    return {
        "registryId": place["account"],
        "repositoryName": place["repository"],
        "imageIds": [{"imageTag": place["tag"]}],
    }
