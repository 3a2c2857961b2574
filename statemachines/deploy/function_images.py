"""The images that functions and served models run, which no pipeline names: their tag, and whether AWS has them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from common import __version__
from common.aws.clients import client
from common.errors import DeploymentError
from pipelines.images import PUSH, REGISTRY, TAG, check_pullable, is_local, last_push
from statemachines.deploy.described import known_parameters
from statemachines.deploy.parts import PARTS, stacks_of
from statemachines.deploy.permissions.template import Template, in_account

RELEASE = "Release"
"""The parameter of stacks that is the tag of the functions' images."""
SERVING = "ndr-serve"
FUNCTION = "AWS::Lambda::Function"


def release_of_images() -> dict[str, str]:
    """The parameter that is the tag of the functions' images: that of the last push from here.

    The local AWS, which needs no images, has the version of the project. Where no push is known it is empty, and stacks
    keep what they have.
    """
    if is_local(client("sagemaker")):
        return {RELEASE: __version__}
    return {RELEASE: tag} if (tag := last_push().get(TAG)) else {}


def function_images(prefix: str, parts: Collection[str], given: Mapping[str, str]) -> set[str]:
    """The images of the functions of the parts, with these parameters, or with those that are deployed.

    Raises:
        DeploymentError: there are functions, and no tag is known.
        AwsError: the stacks cannot be read.
    """
    stacks, known = stacks_of(prefix, parts), known_parameters(client("cloudformation"))
    deployed = {name: value for stack in stacks for name, value in known.get(stack.name, {}).items()}
    values = {**deployed, **release_of_images(), **given, "Environment": prefix}
    functions = in_account(stacks, values).of_kind(FUNCTION)
    if functions and not values.get(RELEASE):
        raise DeploymentError("the functions would have no images: none was pushed from here, deployed or given", PUSH)
    return {str(one["Code"]["ImageUri"]) for one in functions.values()}


def check_functions(prefix: str, parts: Collection[str], given: Mapping[str, str]) -> None:
    """Refuses functions whose images AWS does not have; the local AWS needs none.

    Raises:
        DeploymentError: an image is not there, or none is known.
        AwsError: the stacks cannot be read.
    """
    if not is_local(client("sagemaker")):
        check_pullable(function_images(prefix, parts, given))


def served_image(pushed: Mapping[str, str]) -> str:
    """The image of models that pipelines with images of this registry and tag serve."""
    return f"{pushed[REGISTRY]}/{SERVING}:{pushed[TAG]}"


def named_images(registry: str, tag: str) -> set[str]:
    """The images of all functions, of a registry and with a tag."""
    bodies = [stack.template.read_text(encoding="utf-8") for stack in stacks_of("", PARTS)]
    functions = Template(bodies, {RELEASE: tag}, "", "").of_kind(FUNCTION)
    return {f"{registry}/{str(one['Code']['ImageUri']).rpartition('/')[2]}" for one in functions.values()}
