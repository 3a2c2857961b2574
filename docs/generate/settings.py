"""The reference of the settings, from the JSON Schema of the models that hold them."""

from __future__ import annotations

import json

from common.config.project_file import ProjectFile
from common.config.schema import Schema, range_of, resolved, schema_of
from docs.generate.markdown import page, table

SCHEMA = schema_of(ProjectFile)
GROUPS: dict[str, Schema] = {
    "Project": SCHEMA["$defs"]["ProjectParameters"],
    "networks.NAME": SCHEMA["$defs"]["NetworkParameters"],
    "horizons.NAME": SCHEMA["$defs"]["Horizon"],
    "redshift": SCHEMA["$defs"]["RedshiftParameters"],
    "alerts.NAME": SCHEMA["$defs"]["AlertChannel"],
    "publication": SCHEMA["$defs"]["PublicationParameters"],
    "pseudonyms": SCHEMA["$defs"]["PseudonymParameters"],
    "training": SCHEMA["$defs"]["TrainingParameters"],
    "training.endpoint": SCHEMA["$defs"]["EndpointParameters"],
    "retention": SCHEMA["$defs"]["RetentionParameters"],
    "Project file": SCHEMA,
    "orchestration, in the project file": SCHEMA["$defs"]["OrchestrationParameters"],
}
INTRODUCTION = """\
A project's settings are a YAML file, on disk or in S3, or an item of a DynamoDB table. The first stage on a lake takes
them by `--parameters`; from then on [the lake knows them](../lake.md). A setting that is left out has its default; an
unknown or wrong one is an error. Groups are mappings:

```yaml
time_zone: Europe/Berlin
segments: {10.1.0.0/24: servers, 10.2.0.0/16: offices}
training: {min_coverage: 0.9}
```

[Settings](../settings.md) shows how to check a file, and how an editor completes it. The JSON Schemas are
[parameters.schema.json](parameters.schema.json) for these files, and [project.schema.json](project.schema.json) for
project files."""
UNITS = {"seconds": "s", "minutes": "min", "hours": "hour of the day", "days": "days", "rows": "rows"}
TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
}


def render() -> str:
    """The page of all settings."""
    parts = [INTRODUCTION]
    for title, group in GROUPS.items():
        parts += [f"## {title}", group["description"], _table(group)]
    return page("Settings", *parts)


def _table(group: Schema) -> str:
    rows = [
        (f"`{name}`", _type(part), _unit(name, part), range_of(part), _default(name, part, group), part["description"])
        for name, given in group["properties"].items()
        for part in [resolved(SCHEMA, given)]
    ]
    return table(("setting", "type", "unit", "range", "default", "meaning"), rows)


def _type(part: Schema) -> str:
    entries = part.get("prefixItems")
    return f"list of {len(entries)}" if entries else TYPES[part["type"]]


def _unit(name: str, part: Schema) -> str:
    return "" if part["type"] == "object" or name == "weekend_days" else UNITS.get(name.rsplit("_", 1)[-1], "")


def _default(name: str, part: Schema, group: Schema) -> str:
    if name in group.get("required", ()):
        return "required"
    default = part.get("default")
    return "" if default in (None, {}, []) else f"`{json.dumps(default)}`"
