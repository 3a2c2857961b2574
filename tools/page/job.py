"""Makes the page of a lake."""

from __future__ import annotations

import click

from common.detection.alerts.cases import last_days, scored_windows
from common.display import counted
from common.errors import InputError
from common.features.spec import FeatureSpec, load_spec
from common.lake.lake import Lake
from common.lake.learning import nothing_scored
from common.runtime.lake_project import LakeProject, lake_project
from tools.page.config import PageConfig
from tools.page.content import content
from tools.page.document import document
from tools.page.output import write
from tools.page.server import ADDRESS, Served, port_of, server_of


def run(config: PageConfig) -> None:
    """Writes the page, or serves it, and prints where it is."""
    project = lake_project(config.lake_uri, config.project_name, config.feature_spec_version, config.parameters_path)
    spec = load_spec(project.feature_spec_version)
    lake = Lake.opened(config.lake_uri, spec)
    scored = scored_windows(lake)
    if scored is None:
        raise nothing_scored(lake, project.settings)
    if config.port is not None:
        _serve(config, lake, spec, project, config.port)
        return
    assert config.out
    windows = config.windows or last_days(scored, 1.0)
    shown = content(lake, spec, project, windows, config)
    text = document(shown)
    for place in write(config.out, text, windows):
        click.echo(f"{place}: {counted(len(shown['cases']), 'case')}, {len(text.encode()) / 1e6:.1f} MB")


def _serve(config: PageConfig, lake: Lake, spec: FeatureSpec, project: LakeProject, port: int) -> None:
    """Serves the page until it is interrupted."""

    def make() -> str:
        scored = scored_windows(lake)
        assert scored
        return document(content(lake, spec, project, config.windows or last_days(scored, 1.0), config), live=True)

    served = Served(lake, make, config.by, config.min_score)
    try:
        server = server_of(served, port)
    except OSError as error:
        raise InputError(
            f"port {port} of this machine cannot be used: {error}", "Choose another with --port"
        ) from error
    with server, served.log:
        click.echo(f"http://{ADDRESS}:{port_of(server)}/{served.token}/")
        server.serve_forever()
