"""Command line of the state machines."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from common.errors import ParameterError
from common.runtime.cli import report_errors
from common.runtime.commands import group
from common.runtime.environments import environment_option, prefix_of
from common.runtime.output import activity
from common.runtime.version import version_option
from statemachines.definitions import MACHINES, definition_of
from statemachines.drift_commands import drift
from statemachines.environment_commands import destroy, status, up
from statemachines.operations import backfill, rerun, schedules, start_project
from statemachines.restore_commands import restore


@group(name="ndr-statemachines", epilog="Example: ndr-statemachines deploy --project demo/lake-aws/project.yaml")
@version_option
def main() -> None:
    """Generate, check and deploy the state machines, with all resources that they need; pause and run them.

    Set AWS_ENDPOINT_URL to use a server other than AWS.
    """


for _command in (up, status, destroy, start_project, schedules, rerun, backfill):
    main.add_command(_command)
main.add_command(drift)
main.add_command(restore)


@main.command(
    epilog="Example: ndr-statemachines deploy --project demo/lake-aws/project.yaml --set SchedulesState=DISABLED",
    groups={
        "Deployment": ("customer-360", "set", "allow-replace"),
        "Input": ("project", "wheel"),
        "Output": ("outputs",),
    },
)
@environment_option
@click.option("--customer-360", is_flag=True, help="Deploy the stacks and the machine of Customer 360, too.")
@click.option(
    "--set",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="Parameter of the stacks that have it; repeatable.",
)
@click.option(
    "--project",
    "projects",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Project file: its parameters and routing are written to the tables; repeatable.",
)
@click.option(
    "--wheel",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Wheel of the project, which the Glue jobs install.  [default: it is built from the checkout]",
)
@click.option(
    "--allow-replace", is_flag=True, help="Go on where resources would be replaced or deleted, and what they hold lost."
)
@click.option(
    "--outputs", type=click.Path(path_type=Path, dir_okay=False), help="File to write the stacks' outputs to, as JSON."
)
@report_errors
def deploy(
    environment: str,
    customer_360: bool,
    parameters: tuple[str, ...],
    projects: tuple[Path, ...],
    wheel: Path | None,
    allow_replace: bool,
    outputs: Path | None,
) -> None:
    """Create or update the stacks, publish a version of each changed state machine, and move its alias `live`."""
    from statemachines.deploy.deployment import deploy_all

    parts = ("ndr", "ingestion", *(("customer-360",) if customer_360 else ()))
    found = deploy_all(
        prefix_of(environment), parts, dict(map(_assignment, parameters)), projects, wheel, allow_replace
    )
    if outputs:
        outputs.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@main.command(epilog="Example: ndr-statemachines rollback sfn_ndr_15m_features_inference")
@click.argument("machines", nargs=-1, type=click.Choice(sorted(MACHINES)), metavar="[MACHINE]...")
@click.option(
    "--release", "is_release", is_flag=True, help="All parts of an environment to the release before, not machines."
)
@environment_option
@report_errors
def rollback(machines: tuple[str, ...], is_release: bool, environment: str) -> None:
    """Move the alias `live` of each machine back to its previous version; move none if one has no such version.

    With --release, machines, pipelines, tasks and stacks become what they were when the release before was deployed.
    """
    if is_release == bool(machines):
        raise click.UsageError("Give machines, or --release.")
    if is_release:
        from statemachines.environment_commands import roll_back_release

        roll_back_release(environment)
        return
    from common.aws.clients import client
    from statemachines.deploy.deployment import show
    from statemachines.deploy.publish import roll_back

    for published in roll_back(client("stepfunctions"), [f"{prefix_of(environment)}{machine}" for machine in machines]):
        show(published)


@main.command(epilog="Example: ndr-statemachines registry")
@click.option(
    "--kms-key",
    metavar="ARN",
    help="Key of KMS that encrypts the repositories, given when they are made.  [default: AWS's own]",
)
@click.option("--remove", is_flag=True, help="Remove the stack, once no environment is deployed; repositories stay.")
@click.option("--delete-images", metavar="ACCOUNT", help="With --remove, remove repositories and images; its number.")
@report_errors
def registry(kms_key: str | None, remove: bool, delete_images: str | None) -> None:
    """Create or update the repositories of the images in ECR, which all environments of the account share.

    Tags are immutable, images are scanned when they are pushed, and old ones expire. Repositories that exist are taken
    over, with their images. make push does the same first.
    """
    from statemachines.deploy.drift.environments import deployed_environments
    from statemachines.deploy.registry import STACK, check_account, deploy_registry, remove_registry

    if (delete_images and not remove) or (kms_key and remove):
        raise click.UsageError("--delete-images needs --remove, and --kms-key is without it.")
    if remove:
        if delete_images:
            check_account(delete_images)
        with activity(f"stack {STACK}"):
            users = deployed_environments()
            remove_registry(bool(delete_images), users, lambda name, done: click.echo(f"{name}: {done}"))
        return
    with activity(f"stack {STACK}"):
        done = deploy_registry(
            {"KmsKeyArn": kms_key} if kms_key else {}, lambda change: click.echo(f"  {change.resource}: {change.what}")
        )
    click.echo(f"stack {STACK}: {done}")


@main.command(epilog="Example: ndr-statemachines sign --key release.pem --out build/release")
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Private key in PEM: Ed25519, ECDSA or RSA.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write the wheel and its signed provenance to.",
)
@report_errors
def sign(key: Path, out: Path) -> None:
    """Build the wheel from a commit, and sign it, its scripts and the images last pushed, with where they are from.

    What is written is a DSSE envelope with an in-toto statement, which up takes with --signed. An environment whose
    file names a trust_key takes nothing else.
    """
    from statemachines.deploy.signatures import checkout_tag, sign_release

    with activity("signature"):
        for name in sign_release(key, out, checkout_tag()):
            click.echo(f"{name}: signed")


@main.command(epilog="Example: ndr-statemachines generate --check")
@click.option("--check", is_flag=True, help="Write nothing; fail if a committed file differs from its source.")
@report_errors
def generate(check: bool) -> None:
    """Generate the definitions and their diagrams from statemachines/sources, in a clone of the repository."""
    from statemachines.generation import files
    from statemachines.generation.sources import SourceError

    built = files.build(files.ROOT)
    stale = files.stale(built, files.ROOT)
    if stale and check:
        raise SourceError(
            f"{', '.join(map(str, stale))}: differs from what statemachines/sources generates",
            "Run make statemachines and commit the result",
        )
    files.write(built, files.ROOT)
    for path in sorted({*built, *stale}):
        state = "unchanged" if path not in stale else "written" if path in built else "removed"
        click.echo(f"{path}: {state}")


@main.command(name="lint", epilog="Example: ndr-statemachines lint")
@report_errors
def lint_command() -> None:
    """Find what public checkers miss: unassigned variables, misplaced $states, JSONata that AWS rejects."""
    from statemachines.lint.lint import lint  # needs a JSONata parser, which only development has

    found = [f"{machine}: {problem}" for machine in MACHINES for problem in lint(definition_of(machine))]
    for line in found:
        click.echo(line)
    sys.exit(1 if found else 0)


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ParameterError(f"--set {text} is not NAME=VALUE", "Use the form --set SchedulesState=ENABLED")
    return name, value
