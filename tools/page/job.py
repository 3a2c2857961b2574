"""Makes the page of a lake."""

from __future__ import annotations

import click

from common.detection.alerts.cases import last_days, scored_windows
from common.display import counted
from common.errors import InputError
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.lake.learning import day_of_project
from common.runtime.lake_project import lake_project
from common.storage.drafts import draft
from tools.page.config import PageConfig
from tools.page.content import content
from tools.page.document import document


def run(config: PageConfig) -> None:
    """Writes the page, and prints where it is."""
    project = lake_project(
        config.lake_uri, feature_spec_version=config.feature_spec_version, parameters=config.parameters_path
    )
    spec = load_spec(project.feature_spec_version)
    lake = Lake.opened(config.lake_uri, spec)
    scored = scored_windows(lake)
    if scored is None:
        raise InputError(
            f"nothing is scored yet in {lake.uri}: {day_of_project(lake, project.settings)} of learning",
            "Make baselines with ndr-fg-b and a model with ndr-if-training, then run ndr-inference",
        )
    windows = config.windows or last_days(scored, 1.0)
    shown = content(lake, spec, project, windows, config)
    text = document(shown)
    config.out.parent.mkdir(parents=True, exist_ok=True)
    with draft(config.out) as path:
        path.write_text(text, encoding="utf-8")
    click.echo(f"{config.out}: {counted(len(shown['cases']), 'case')}, {len(text.encode()) / 1e6:.1f} MB")
