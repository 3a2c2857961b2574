"""Reads back the items that `common.config.dynamodb` writes."""

from common.config.dynamodb import Item
from common.config.loader import build_from
from common.config.orchestration import OrchestrationParameters
from common.config.project import ProjectParameters
from common.config.sources import parsed


def project_of_item(item: Item) -> tuple[ProjectParameters, OrchestrationParameters]:
    """The parameters in a project's item."""
    return (
        build_from(ProjectParameters, parsed(item, "settings", "the item")),
        build_from(OrchestrationParameters, parsed(item, "orchestration", "the item")),
    )
