"""A key of the account in place of those of AWS: what it encrypts in all stacks, and who may use it."""

from __future__ import annotations

from typing import Any

from tests.statemachines.template import PLAIN, Template, parsed_template, permitted

KEY = "arn:aws:kms:us-east-1:000000000000:key/0f3a"
ACTIONS = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
WITHOUT_DATA = {"StarterRole", "SweepRole", "ScheduleRole", "TaskExecutionRole", "PipelineRole", "Customer360Role"}
"""Roles that start things, and read and write nothing that is kept."""
OF_OBJECTS = {
    **dict.fromkeys(("JobRole", "ValidateRole", "CleanRole", "StagingRole"), ("Decrypt", "GenerateDataKey")),
    "ServingRole": ("Decrypt",),
}
"""What roles do that have objects of S3 alone."""
RAW = {name: one for path in PLAIN for name, one in parsed_template(path)["Resources"].items()}


def stored(template: Template) -> dict[str, tuple[str, Any]]:
    """How each bucket, table and queue of the stacks encrypts, and by which key."""
    found: dict[str, tuple[str, Any]] = {}
    for name, resource in RAW.items():
        match resource["Type"].rpartition("::")[2]:
            case "Bucket":
                (rule,) = template.resource(name)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
                by_default = rule["ServerSideEncryptionByDefault"]
                found[name] = by_default["SSEAlgorithm"], by_default.get("KMSMasterKeyID")
            case "Table":
                table = template.resource(name)["SSESpecification"]
                found[name] = table.get("SSEType", "of AWS"), table.get("KMSMasterKeyId")
            case "Queue":
                queue = template.resource(name)
                found[name] = f"SQS: {queue['SqsManagedSseEnabled']}", queue.get("KmsMasterKeyId")
    return found


def test_it_encrypts_all_that_is_kept() -> None:
    own, of_aws = stored(Template(KmsKeyArn=KEY)), stored(Template())
    assert len(own) == 8 + 6 + 5
    assert {found for _, found in own.values()} == {KEY}
    assert {how for how, _ in own.values()} == {"aws:kms", "KMS", "SQS: False"}
    assert {found for _, found in of_aws.values()} == {None}
    assert {how for how, _ in of_aws.values()} == {"AES256", "of AWS", "SQS: True"}


def test_each_role_that_has_to_do_with_data_may_use_it() -> None:
    template = Template(KmsKeyArn=KEY, SnowflakeUserArn="arn:aws:iam::1:user/x", SnowflakeExternalId="e1")
    roles = {name for name, resource in RAW.items() if resource["Type"] == "AWS::IAM::Role"} - WITHOUT_DATA
    for role in roles - {"SnowflakeRole"}:
        actions = OF_OBJECTS.get(role, ACTIONS)
        assert template.policies_of(role) == {(f"kms:{action}", KEY) for action in actions}, role
    for role in WITHOUT_DATA:
        assert template.policies_of(role) == set(), role
        assert Template().policies_of(role) == set()
    reads = {found for found in permitted(template.resource("SnowflakeRole")) if found[0].startswith("kms:")}
    assert reads == {("kms:Decrypt", KEY)}
