"""Command line of the feature catalogue."""

from __future__ import annotations

from typing import Any

import click

from common.runtime.cli import feature_spec_option, report_errors
from common.runtime.commands import command
from common.runtime.rows import rows_option
from common.runtime.version import version_option
from tools.features.config import CatalogueConfig


@command(name="ndr-features", epilog="Example: ndr-features in_deny_ratio_w_1h_z_mad")
@click.argument("name", required=False)
@rows_option
@click.option(
    "--markdown", "as_markdown", is_flag=True, help="Print the whole catalogue as Markdown (docs/features.md)."
)
@feature_spec_option
@version_option
@report_errors
def main(**options: Any) -> None:
    """Print what a feature means and how it is computed.

    NAME is a base metric (sessions_cnt), a feature (in_deny_ratio_w_1h), a deviation (deny_ratio_w_1h_z_mad), a score
    (scan_suspicion_score), a pair feature, a context feature or a baseline statistic (sessions_cnt_median). Without a
    NAME, lists all base metrics, and how many features they make.
    """
    from tools.features.job import run

    run(CatalogueConfig(**options))
