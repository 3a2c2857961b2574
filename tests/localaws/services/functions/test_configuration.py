"""Functions that would run anything but the command of a stage are refused, however they are made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from tests.localaws.running import unique, wait_for
from tests.localaws.server.requests import send, signed
from tests.localaws.services.functions.functions import IMAGE, ROLE, create, invoke, write_function

REFUSED: dict[str, dict[str, Any]] = {
    "no archives of code": {
        "Code": {"ZipFile": b"PK"},
        "Runtime": "python3.12",
        "Handler": "a.b",
        "PackageType": "Zip",
    },
    "'sh' is not the command of a stage": {"Code": {"ImageUri": "registry/sh:1"}},
    "'ndr-local' is not the command of a stage": {"Code": {"ImageUri": "registry/ndr-local"}},
    "'/bin/sh' is not the command of a stage": {"ImageConfig": {"EntryPoint": ["/bin/sh", "-c", "id"]}},
    "WorkingDirectory": {"ImageConfig": {"WorkingDirectory": "/"}},
    "'PYTHONPATH' cannot be set": {"Environment": {"Variables": {"PYTHONPATH": "/tmp"}}},
    "'AWS_CONFIG_FILE' cannot be set": {"Environment": {"Variables": {"AWS_CONFIG_FILE": "/tmp/config"}}},
    "Layers of functions is not supported": {"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:l:1"]},
    "the function name": {"FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:../x"},
}


@pytest.mark.parametrize("message", REFUSED)
def test_nothing_but_commands_of_stages_is_run(local_aws: LocalAws, message: str) -> None:
    given = {
        "FunctionName": unique("evil"),
        "PackageType": "Image",
        "Code": {"ImageUri": IMAGE},
        "Role": ROLE,
    }
    with pytest.raises(ClientError, match=message):
        local_aws.client("lambda").create_function(**{**given, **REFUSED[message]})


@pytest.mark.slow
@pytest.mark.parametrize("message", REFUSED)
def test_a_template_cannot_either(local_aws: LocalAws, message: str) -> None:
    given = {"PackageType": "Image", "Code": {"ImageUri": IMAGE}, "Role": ROLE}
    properties = {**given, **REFUSED[message]}
    properties["Code"] = {name: "PK" if name == "ZipFile" else value for name, value in properties["Code"].items()}
    resource = {"Type": "AWS::Lambda::Function", "Properties": properties}
    client, name = local_aws.client("cloudformation"), unique("evil")
    client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"F": resource}}))
    events = wait_for(
        lambda: [
            event["ResourceStatusReason"]
            for event in client.describe_stack_events(StackName=name)["StackEvents"]
            if event["ResourceStatus"] == "CREATE_FAILED" and event["LogicalResourceId"] == "F"
        ]
    )
    assert message in events[0]


def test_a_function_cannot_be_changed_into_something_else(local_aws: LocalAws, step_bin: Path) -> None:
    write_function(step_bin)
    name, client = create(local_aws), local_aws.client("lambda")
    with pytest.raises(ClientError, match="'sh' is not the command of a stage"):
        client.update_function_code(FunctionName=name, ImageUri="registry/sh:1")
    with pytest.raises(ClientError, match="no archives of code"):
        client.update_function_code(FunctionName=name, ZipFile=b"PK")
    with pytest.raises(ClientError, match="'LD_PRELOAD' cannot be set"):
        client.update_function_configuration(FunctionName=name, Environment={"Variables": {"LD_PRELOAD": "/tmp/x.so"}})
    with pytest.raises(ClientError, match="is not the command of a stage"):
        client.update_function_configuration(FunctionName=name, ImageConfig={"EntryPoint": ["python"]})
    with pytest.raises(ClientError, match="not supported by the local AWS"):
        client.publish_layer_version(LayerName="layer", Content={"ZipFile": b"PK"})
    with pytest.raises(ClientError, match="not supported by the local AWS"):
        client.create_function_url_config(FunctionName=name, AuthType="NONE")
    path = f"/2021-10-31/functions/{name}%252Furl"
    headers = signed(local_aws, "POST", path, body=b'{"AuthType": "NONE"}', service="lambda")
    hidden = send(local_aws, "POST", path, headers, b'{"AuthType": "NONE"}')
    assert (hidden.status, b"not supported by the local AWS" in hidden.body) == (400, True), hidden
    assert invoke(local_aws, name, do="echo")["event"] == {"do": "echo"}
