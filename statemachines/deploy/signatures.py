"""Signatures of a release: made of a commit, and looked at before it is deployed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from common import __version__
from common.errors import DeploymentError
from common.runtime.version import revision
from pipelines.definitions import load
from pipelines.definitions import names as pipeline_names
from pipelines.deployment import Plan, with_defaults
from pipelines.images import PARAMETERS, REGISTRY, TAG, defaults_of, digest_of, last_push, uris
from statemachines.deploy import provenance
from statemachines.deploy.code import CUSTOMER_360_SCRIPTS, ROOT, SCRIPTS, Code, build_wheel, read_code
from statemachines.deploy.function_images import named_images, served_image

DIRTY = "-dirty"


def checkout_tag() -> str:
    """The commit of the checkout, `-dirty` if it has changes; the version of the project where there is none."""
    commit = revision()
    if commit is None:
        return __version__
    command = ["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return commit + (DIRTY if done.stdout.strip() or done.returncode else "")


@dataclass(frozen=True)
class Signatures:
    """What is known of a release before it is deployed.

    Attributes:
        tag: its commit.
        wheel: its wheel; None if it is built from the checkout.
        signed: what its signed provenance says; None where nothing is checked.
    """

    tag: str
    wheel: Path | None
    signed: provenance.Provenance | None

    @classmethod
    def of(cls, folder: Path | None, trusted: Path | None) -> Signatures:
        """Those of a release in a folder, checked with a public key; without a key, nothing is checked.

        Raises:
            InputError: the file of the key holds none.
            DeploymentError: the release is not signed with the key, or was altered.
        """
        if trusted is None:
            return cls(checkout_tag(), _wheel_in(folder) if folder else None, None)
        if folder is None:
            raise DeploymentError("the environment takes signed releases only", provenance.REMEDY)
        signed = provenance.read(folder / provenance.FILE, trusted)
        return cls(signed.tag, _wheel_in(folder), signed)

    @property
    def signed_by(self) -> str | None:
        """The id of the key that verified the release."""
        return self.signed.signed_by if self.signed else None

    def check_code(self, code: Code) -> None:
        """Refuses code that is not signed.

        Raises:
            DeploymentError: a file is not what was signed.
        """
        if self.signed:
            provenance.check_code(self.signed, code)

    def check_images(self, planned: Iterable[Plan], functions: Iterable[str]) -> None:
        """Refuses images in ECR of pipelines, of the models that these serve, and of functions that are not signed.

        Raises:
            DeploymentError: an image is not what was signed.
            AwsError: ECR does not say what it has.
        """
        if self.signed:
            images = {*functions}
            for plan in (one for one in planned if len(one.images) == len(PARAMETERS)):
                images |= {*uris(plan.definition), served_image(defaults_of(plan.definition))}
            provenance.check_images(self.signed, _digests(images))


def sign_release(key: Path, folder: Path, tag: str) -> list[str]:
    """The names of all that was signed: the wheel of the checkout, its scripts, and the images of the last push.

    The folder has the wheel and the statement then, which says that all is from the commit of this tag.

    Raises:
        InputError: the file holds no private key.
        DeploymentError: there is no commit without changes, or the wheel cannot be built.
        AwsError: ECR does not say what it has.
    """
    if tag.endswith(DIRTY):
        raise DeploymentError(f"{tag} is no commit", "Commit first: what is signed must come from the history")
    folder.mkdir(parents=True, exist_ok=True)
    for former in folder.glob("*.whl"):
        former.unlink()
    with TemporaryDirectory() as built:
        code = read_code(build_wheel(Path(built)), {**SCRIPTS, **CUSTOMER_360_SCRIPTS})
    name, content = code["GlueWheel"]
    (folder / Path(name).name).write_bytes(content)
    pushed = last_push()
    definitions = [with_defaults(load(name), pushed) for name in pipeline_names()] if pushed else []
    of_pipelines = {image for definition in definitions for image in uris(definition)}
    others = {served_image(pushed), *named_images(pushed[REGISTRY], pushed[TAG])} if pushed else set()
    images = _digests(of_pipelines | others)
    (folder / provenance.FILE).write_bytes(provenance.sign(code, images, tag, key))
    return [*sorted(Path(name).name for name, _ in code.values()), *images]


def _digests(images: Iterable[str]) -> dict[str, str]:
    """The digest of each of the images that is in ECR."""
    found = {image: digest_of(image) for image in sorted(images)}
    return {image: digest for image, digest in found.items() if digest}


def _wheel_in(folder: Path) -> Path:
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise DeploymentError(f"{folder} has {len(wheels)} wheels, not one", provenance.REMEDY)
    return wheels[0]
